/* Firebase: sign-in, an upload to Cloud Storage, one document in Firestore, and a listener on it. */
const SDK = "https://www.gstatic.com/firebasejs/12.19.0/firebase-";

import { entryOf } from "./history.js";

/** How many of the latest jobs the history lists: each is a document and a report to read. */
const LISTED = 20;

const [{ initializeApp }, auth, firestore, storage] = await Promise.all(
  ["app", "auth", "firestore", "storage"].map((part) => import(`${SDK}${part}.js`)),
);

export class Service {
  #auth;
  #storage;
  #uploads;

  constructor({ options, collection = "uploads", emulators = null }) {
    const app = initializeApp(options);
    this.#auth = auth.getAuth(app);
    this.#storage = storage.getStorage(app);
    const database = firestore.getFirestore(app);
    if (emulators) {
      auth.connectAuthEmulator(this.#auth, `http://${emulators.auth}`, { disableWarnings: true });
      firestore.connectFirestoreEmulator(database, ...hostAndPort(emulators.firestore));
      storage.connectStorageEmulator(this.#storage, ...hostAndPort(emulators.storage));
    }
    this.#uploads = firestore.collection(database, collection);
  }

  onUser(callback) {
    auth.onAuthStateChanged(this.#auth, (user) => callback(user !== null));
  }

  async signIn(how, email, password) {
    if (how === "google") await auth.signInWithPopup(this.#auth, new auth.GoogleAuthProvider());
    else if (how === "register") await auth.createUserWithEmailAndPassword(this.#auth, email, password);
    else await auth.signInWithEmailAndPassword(this.#auth, email, password);
  }

  async signOut() {
    await auth.signOut(this.#auth);
  }

  async upload(file, onFraction, signal) {
    const ending = /\.[a-z0-9]{1,5}$/i.exec(file.name)?.[0] ?? ".mp4";
    const path = `users/${this.#auth.currentUser.uid}/uploads/${randomName()}${ending.toLowerCase()}`;
    const task = storage.uploadBytesResumable(storage.ref(this.#storage, path), file, { contentType: file.type || "video/mp4" });
    signal.addEventListener("abort", () => task.cancel());
    task.on("state_changed", ({ bytesTransferred, totalBytes }) => onFraction(bytesTransferred / totalBytes));
    await task;
    return path;
  }

  async submit({ video, exercise, language }) {
    const fields = { owner: this.#auth.currentUser.uid, video, status: "uploaded", createdAt: firestore.serverTimestamp(), language };
    if (exercise) fields.exercise = exercise;
    return (await firestore.addDoc(this.#uploads, fields)).id;
  }

  listen(id, onJob, onError) {
    return firestore.onSnapshot(
      firestore.doc(this.#uploads, id),
      (snapshot) => onJob(snapshot.exists() ? snapshot.data() : null),
      (error) => (error.code === "permission-denied" ? onJob(null) : onError(error)),
    );
  }

  async history() {
    const { getDocs, limit, orderBy, query, where } = firestore;
    const own = where("owner", "==", this.#auth.currentUser.uid);
    const { docs } = await getDocs(query(this.#uploads, own, orderBy("createdAt", "desc"), limit(LISTED)));
    return Promise.all(docs.map(async (document) => entryOf(document.id, document.data(), await this.#report(document.data()))));
  }

  /** The documents are the memory. */
  remember() {}

  async #report({ result }) {
    if (!result?.files.report) return null;
    try {
      const answer = await fetch(await this.url(result.files.report));
      return answer.ok ? await answer.json() : null;
    } catch {
      return null; // removed by now, or offline: the document has the score
    }
  }

  async cancel(id) {
    await firestore.updateDoc(firestore.doc(this.#uploads, id), { cancelRequested: true });
  }

  url(path) {
    return storage.getDownloadURL(storage.ref(this.#storage, path));
  }
}

/** Not crypto.randomUUID: that one is missing on a page without https, as on a phone that tries a computer's address. */
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hostAndPort(address) {
  const [host, port] = address.split(":");
  return [host, Number(port)];
}
