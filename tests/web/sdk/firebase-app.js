/* A stand-in for the Firebase SDK: the functions that the client uses, and `fake`, by which a test plays the server. */
globalThis.fake = { documents: {}, listeners: {}, objects: {}, user: null, onUser: null };

fake.write = (id, changes) => {
  fake.documents[id] = { ...fake.documents[id], ...changes };
  fake.listeners[id]?.({ exists: () => true, data: () => fake.documents[id] });
};

export const initializeApp = (options) => options;
