/*
 * Offline use: caches the page, and the results that were opened in this browser. The network is asked first, so that nothing is
 * outdated while there is a network. Videos are not cached: they are loaded in ranges, and are too large.
 */
const PAGE = "dothis-page";
const RESULTS = "dothis-results";
const KEPT_RESULTS = 120;
const FILES = [
  "./", "app.js", "camera.js", "config.js", "dom.js", "exercises.json", "filmfrom.js", "firebase.js", "history.js", "icon-192.png",
  "icon-512.png", "icon.svg", "local.js", "manifest.json", "pictures.js", "player.js", "result.js", "service.js", "style.css",
  "timescale.js", "words.js",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(PAGE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || pathname.endsWith(".mp4")) return;
  event.respondWith(fromNetwork(request, pathname.includes("/api/") ? RESULTS : PAGE));
});

async function fromNetwork(request, name) {
  const cache = await caches.open(name);
  let answer;
  try {
    answer = await fetch(request);
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error; // for the page it is an error of the network
  }
  if (answer.status === 200) {
    await cache.delete(request); // so that the newest entry is the last key
    await cache.put(request, answer.clone());
    const keys = name === RESULTS ? await cache.keys() : [];
    await Promise.all(keys.slice(0, Math.max(0, keys.length - KEPT_RESULTS)).map((key) => cache.delete(key)));
  }
  return answer;
}
