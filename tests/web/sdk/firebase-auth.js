const become = (user) => {
  fake.user = user;
  setTimeout(() => fake.onUser(user));
};

export const getAuth = () => ({
  get currentUser() {
    return fake.user;
  },
});
export const onAuthStateChanged = (_auth, callback) => {
  fake.onUser = callback;
  setTimeout(() => callback(fake.user));
};
export class GoogleAuthProvider {}
export const signInWithPopup = async () => become({ uid: "google-user" });
export const createUserWithEmailAndPassword = async (_auth, email) => become({ uid: `new-${email}` });
export const signInWithEmailAndPassword = async (_auth, email, password) => {
  if (password !== "secret1") throw new Error("auth/invalid-credential");
  become({ uid: email.split("@")[0] });
};
export const signOut = async () => become(null);
