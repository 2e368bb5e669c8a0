/* Firebase: sign-in, an upload to Cloud Storage, one document in Firestore, and a listener on it. */
const SDK = "https://www.gstatic.com/firebasejs/12.19.0/firebase-";

import { entryOf, finishedEntry } from "./history.js";

/** Number of latest jobs, and of latest entries of the history, that are read. */
const LISTED = 20;
const REMEMBERED = 60;

const [{ initializeApp }, auth, firestore, storage] = await Promise.all(
  ["app", "auth", "firestore", "storage"].map((part) => import(`${SDK}${part}.js`)),
);

export class Service {
  #auth;
  #storage;
  #database;
  #uploads;

  constructor({ options, collection = "uploads", emulators = null }) {
    const app = initializeApp(options);
    this.#auth = auth.getAuth(app);
    this.#storage = storage.getStorage(app);
    this.#database = firestore.getFirestore(app);
    if (emulators) {
      auth.connectAuthEmulator(this.#auth, `http://${emulators.auth}`, { disableWarnings: true });
      firestore.connectFirestoreEmulator(this.#database, ...hostAndPort(emulators.firestore));
      storage.connectStorageEmulator(this.#storage, ...hostAndPort(emulators.storage));
    }
    this.#uploads = firestore.collection(this.#database, collection);
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

  async submit({ video, exercise, reference, language }) {
    const fields = { owner: this.#auth.currentUser.uid, video, status: "uploaded", createdAt: firestore.serverTimestamp(), language };
    if (exercise) fields.exercise = exercise;
    if (reference) fields.reference = reference;
    return (await firestore.addDoc(this.#uploads, fields)).id;
  }

  listen(id, onJob, onError) {
    return firestore.onSnapshot(
      firestore.doc(this.#uploads, id),
      (snapshot) => {
        // Without a connection the browser's cache answers, and does not have the document: the listener goes on.
        if (snapshot.exists() || !snapshot.metadata.fromCache) onJob(snapshot.exists() ? snapshot.data() : null);
      },
      (error) => (error.code === "permission-denied" ? onJob(null) : onError(error)),
    );
  }

  /** The results are in the daemon's history; running and failed jobs are in the documents of the jobs. */
  async history() {
    const { collection, getDocs, limit, orderBy, query, where } = firestore;
    const { uid } = this.#auth.currentUser;
    const past = query(collection(this.#database, `users/${uid}/history`), orderBy("when", "desc"), limit(REMEMBERED));
    const jobs = query(this.#uploads, where("owner", "==", uid), orderBy("createdAt", "desc"), limit(LISTED));
    const [finished, latest] = await Promise.all([getDocs(past), getDocs(jobs)]);
    const entries = new Map(latest.docs.map((job) => [job.id, entryOf(job.id, job.data(), null)]));
    for (const entry of finished.docs) entries.set(entry.id, finishedEntry(entry.id, entry.data()));
    return [...entries.values()].sort((one, other) => other.when - one.when);
  }

  /** Does nothing: the documents are the history. */
  remember() {}

  async cancel(id) {
    await firestore.updateDoc(firestore.doc(this.#uploads, id), { cancelRequested: true });
  }

  url(path) {
    return storage.getDownloadURL(storage.ref(this.#storage, path));
  }
}

/** crypto.randomUUID does not exist on a page without https, such as on a phone that opens a computer's address. */
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hostAndPort(address) {
  const [host, port] = address.split(":");
  return [host, Number(port)];
}
