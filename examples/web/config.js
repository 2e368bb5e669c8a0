/*
 * Where this page sends videos.
 *
 * As it stands it talks to the server that it came from: `dothis up --web`. With your own Firebase project, fill in
 *
 *   export const firebase = {
 *     options: { apiKey: "...", authDomain: "...", projectId: "...", storageBucket: "...", appId: "..." },
 *     collection: "uploads",                       // DOTHIS_COLLECTION
 *     emulators: null,                             // or { auth, firestore, storage }, each "host:port"
 *   };
 *
 * None of these is a secret: the security rules in deploy/ decide who may do what.
 */
export const firebase = null;
