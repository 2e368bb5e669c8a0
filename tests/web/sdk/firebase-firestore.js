export const getFirestore = () => "database";
export const collection = (_database, name) => ({ name });
export const doc = (parent, ...path) => (path.length === 2 ? { name: path[0], id: path[1] } : { ...parent, id: path[0] ?? "job1" });
export const getDoc = async ({ id }) => ({ exists: () => id in fake.documents, data: () => fake.documents[id] });
export const setDoc = async ({ name, id }, fields) => {
  fake.collection = name;
  fake.documents[id] = fields;
};
export const serverTimestamp = () => "server time";
export const addDoc = async ({ name }, fields) => {
  fake.collection = name;
  fake.documents.job1 = fields;
  return { id: "job1" };
};
export const updateDoc = async ({ id }, changes) => fake.write(id, changes);
export const onSnapshot = (reference, onNext, onError) => {
  const { id } = reference;
  (fake.listeners[id] ??= new Set()).add(onNext);
  fake.fails = onError;
  const fields = fake.documents[id];
  const metadata = { fromCache: fake.offline };
  setTimeout(() => onNext({ exists: () => fields !== undefined, data: () => fields, metadata }));
  return () => fake.listeners[id].delete(onNext);
};
export const where = (field, _equals, value) => ({ keep: (fields) => fields[field] === value });
export const orderBy = () => ({});
export const limit = () => ({});
export const query = ({ name }, ...conditions) => ({ name, conditions });
export const getDocs = async ({ name, conditions }) => ({
  docs: Object.entries(name === "users/ann/history" ? fake.history : fake.documents)
    .filter(([, fields]) => conditions.every(({ keep }) => !keep || keep(fields)))
    .map(([id, fields]) => ({ id, data: () => fields })),
});
