/* A stand-in for the Firebase SDK: the functions that the client uses, and `fake`, by which a test plays the server. */
globalThis.fake = { documents: {}, history: {}, listeners: {}, objects: {}, offline: false, user: null, onUser: null };

fake.write = (id, changes) => {
  fake.documents[id] = { ...fake.documents[id], ...changes };
  const metadata = { fromCache: false };
  for (const onNext of fake.listeners[id] ?? []) onNext({ exists: () => true, data: () => fake.documents[id], metadata });
};

export const initializeApp = (options) => options;
