export const getStorage = () => "bucket";
export const ref = (_storage, path) => ({ path });
export const uploadBytesResumable = ({ path }, file, { contentType = file.type } = {}) => {
  let progress;
  const done = new Promise((resolve) => setTimeout(resolve, 50)).then(() => {
    progress?.({ bytesTransferred: file.size, totalBytes: file.size });
    fake.objects[path] = { size: file.size, contentType };
  });
  return { on: (_event, callback) => (progress = callback), cancel: () => {}, then: (...both) => done.then(...both) };
};
export const getDownloadURL = async ({ path }) => `icon.svg?${path}`;
