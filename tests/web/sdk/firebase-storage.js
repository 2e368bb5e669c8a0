export const getStorage = () => "bucket";
export const ref = (_storage, path) => ({ path, fullPath: path });
export const getBytes = async ({ path }) => new TextEncoder().encode(path).buffer;
export const getMetadata = async ({ path }) => {
  if (path in fake.objects) return fake.objects[path];
  throw Object.assign(new Error("nothing there"), { code: "storage/object-not-found" });
};
export const uploadBytesResumable = ({ path }, file, { contentType = file.type } = {}) => {
  let progress;
  const done = new Promise((resolve) => setTimeout(resolve, 50)).then(() => {
    progress?.({ bytesTransferred: file.size, totalBytes: file.size });
    fake.objects[path] = { size: file.size, contentType };
  });
  return { on: (_event, callback) => (progress = callback), cancel: () => {}, then: (...both) => done.then(...both) };
};
export const getDownloadURL = async ({ path }) => `icon.svg?${path}`;
