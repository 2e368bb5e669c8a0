/* The small API of `dothis up --web`. A cookie identifies the user; there is no sign-in. */
import { entryOf, isRunning } from "./history.js";
import { Offline, TooLarge } from "./service.js";

const API = "api/";
const POLL_MS = 400;
/** The embedded backend does not list jobs, so this browser keeps the ids of its own jobs. */
const HISTORY = "history";
const REMEMBERED = 60;

export class Service {
  onUser(callback) {
    callback(true);
  }

  async signIn() {}

  async signOut() {}

  upload(file, onFraction, signal) {
    // fetch() cannot tell how much of a body has been sent; XMLHttpRequest can.
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${API}videos?name=${encodeURIComponent(file.name)}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.responseType = "json";
      request.upload.onprogress = (event) => event.lengthComputable && onFraction(event.loaded / event.total);
      request.onload = () => {
        if (request.status === 201) resolve(request.response.video);
        else reject(request.status === 413 ? new TooLarge() : new Error(`upload: ${request.status}`));
      };
      request.onerror = () => reject(new Offline());
      request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
      signal.addEventListener("abort", () => request.abort());
      request.send(file);
    });
  }

  async submit(job) {
    const answer = await fetch(`${API}jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(job),
    }).catch(() => {
      throw new Offline();
    });
    if (!answer.ok) throw new Error(`submit: ${answer.status}`);
    return (await answer.json()).id;
  }

  listen(id, onJob, onError) {
    let timer;
    let stopped = false;
    const ask = async () => {
      try {
        const answer = await fetch(`${API}jobs/${encodeURIComponent(id)}`);
        if (stopped) return;
        if (answer.status === 404) return onJob(null);
        if (answer.ok) onJob(await answer.json());
      } catch (error) {
        if (!(error instanceof TypeError)) return onError(error); // a TypeError is an error of the network: ask again
      }
      if (!stopped) timer = setTimeout(ask, POLL_MS);
    };
    ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  async history() {
    const entries = remembered();
    for (const { id } of entries.filter(isRunning)) {
      try {
        const answer = await fetch(`${API}jobs/${encodeURIComponent(id)}`);
        if (answer.ok) this.remember(entryOf(id, await answer.json(), null));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // a TypeError is an error of the network: the entry stays
      }
    }
    return remembered();
  }

  remember(entry) {
    const others = remembered().filter(({ id }) => id !== entry.id);
    const newestFirst = [entry, ...others].sort((one, other) => other.when - one.when);
    localStorage.setItem(HISTORY, JSON.stringify(newestFirst.slice(0, REMEMBERED)));
  }

  async cancel(id) {
    await fetch(`${API}jobs/${encodeURIComponent(id)}/cancel`, { method: "POST" });
  }

  async url(path) {
    return `${API}files/${path.split("/").map(encodeURIComponent).join("/")}`;
  }
}

function remembered() {
  return JSON.parse(localStorage.getItem(HISTORY) ?? "[]");
}
