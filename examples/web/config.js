/*
 * The server of this page.
 *
 * Without changes it is the server that serves the page: `dothis up --web`. For your own Firebase project, fill in
 *
 *   export const firebase = {
 *     options: { apiKey: "...", authDomain: "...", projectId: "...", storageBucket: "...", appId: "..." },
 *     collection: "uploads",                       // DOTHIS_COLLECTION
 *     emulators: null,                             // or { auth, firestore, storage }, each "host:port"
 *   };
 *
 * None of these is a secret: the security rules in deploy/ control the access.
 */
export const firebase = null;
