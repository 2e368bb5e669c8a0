/*
 * The page's interface to a server. Both services have the same functions:
 *
 *   onUser(callback)                  calls callback(true) if a user is signed in, else callback(false)
 *   signIn(how, email, password)      how: "signIn", "register" or "google"
 *   signOut()
 *   upload(file, onFraction, signal)  -> the video's object path; onFraction(0..1)
 *   submit({video, exercise, language})  -> the job's id
 *   listen(id, onJob, onError)        onJob(document) at each change, null if there is no document; -> a function that stops
 *   cancel(id)
 *   history()                         -> the user's jobs, newest first, as history.js describes them
 *   remember(entry)                   keeps an entry of the history if the server does not
 *   url(path)                         -> an address that <img> and <video> can load
 */
import { firebase } from "./config.js";

export class TooLarge extends Error {}
export class Offline extends Error {}

export async function connect() {
  const { Service } = await (firebase ? import("./firebase.js") : import("./local.js"));
  return new Service(firebase);
}

export const needsSignIn = Boolean(firebase);
