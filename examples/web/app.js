/* The page: shows one section at a time, and handles the user's actions. */
import { Camera, canRecord } from "./camera.js";
import { entryOf, isRunning, showHistory } from "./history.js";
import { connect, needsSignIn, Offline, TooLarge } from "./service.js";
import { firstLanguage, languages } from "./words.js";
import { forgetResult, showResult } from "./result.js";

const STAGES = ["sending", "queued", "downloading", "analysing", "writing_feedback", "uploading", "annotating"];
const SECTIONS = ["sign-in", "pick", "working", "result", "problem"];

const service = await connect();
/** The catalogue, as `dothis exercises --json` prints it. */
const exercises = await (await fetch("exercises.json")).json();
const state = { language: firstLanguage(), document: null, stop: null, upload: null, jobId: null, shown: null, problem: null };
/** Current uploads. Each continues while the page shows another upload or another section. */
const uploads = new Set();
/** Addresses of the user's videos by job. They are shown until the annotated video is ready. */
const ownVideos = new Map();
/** By job: the function that stops listening. The history listens once to each job that is not finished. */
const awaited = new Map();

const element = (id) => document.getElementById(id);
const words = () => languages[state.language];
const checkOf = (exercise, id) => exercises.find((one) => one.id === exercise)?.checks.find((check) => check.id === id);
const nameOf = (wanted) => exercises.find(({ id }) => id === wanted)?.names[state.language] ?? words().unnamed[wanted] ?? wanted;

function show(section) {
  if (state.shown === section) return;
  state.shown = section;
  if (section !== "pick") stopAwaiting();
  for (const id of SECTIONS) element(id).hidden = id !== section;
  element(`${section}-title`).focus(); // a screen reader reads the new heading, and Tab continues from it
}

function speak(language) {
  state.language = language;
  localStorage.setItem("language", language);
  document.documentElement.lang = language;
  document.title = words().title;
  for (const node of document.querySelectorAll("[data-words]")) node.textContent = words()[node.dataset.words];
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  const select = element("exercise");
  const chosen = select.value;
  select.replaceChildren(new Option(words().recognise, ""));
  for (const { id, names } of exercises) select.append(new Option(names[state.language], id));
  for (const [id, text] of Object.entries(words().choices)) select.append(new Option(text, id));
  select.value = chosen;
  element("stages").replaceChildren(
    ...STAGES.map((stage) => Object.assign(document.createElement("li"), { textContent: words().stages[stage] })),
  );
  if (state.shown === "pick") listHistory();
  if (state.shown === "working") showStage(state.stage, state.percent);
  if (state.shown === "result") showDocument();
  if (state.shown === "problem" && state.problem) fail(state.problem, element("retry").onclick);
}

function showStage(stage, percent, note = "") {
  Object.assign(state, { stage, percent });
  const now = STAGES.indexOf(stage);
  [...element("stages").children].forEach((item, index) => {
    item.classList.toggle("past", index < now);
    if (index === now) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  element("percent").value = percent;
  const said = `${words().said(words().stages[stage], Math.round(percent))} ${note}`.trim();
  if (element("stage-said").textContent !== said) element("stage-said").textContent = said;
  show("working");
}

/** Shows a problem. `problem` is a key of the words, or the server's {message}. `retry` repeats the failed action. */
function fail(problem, retry = null) {
  stopListening();
  state.problem = problem;
  element("retry").hidden = !retry;
  element("retry").onclick = retry;
  show("problem");
  element("problem-said").textContent = typeof problem === "string" ? words()[problem] : problem.message;
}

function stopListening() {
  state.stop?.();
  state.stop = null;
}

function onJob(job) {
  state.document = job;
  if (job === null) return fail("gone");
  if (job.result && job.status !== "failed") {
    // The feedback is ready; the annotated video may come later.
    if (["done", "cancelled"].includes(job.status)) stopListening();
    show("result");
    return showDocument();
  }
  if (job.status === "failed" || job.status === "cancelled") return fail({ message: job.error?.message ?? words().problemTitle });
  const running = job.status === "processing" && job.progress;
  return showStage(running ? job.progress.stage : "queued", job.progress?.percent ?? 0, job.status === "waiting" ? words().retrying : "");
}

async function showDocument() {
  const { document: job, jobId } = state;
  const report = await showResult(job, { service, words: words(), nameOf, checkOf, own: ownVideos.get(jobId) });
  if (report) service.remember(entryOf(jobId, job, report));
}

function follow(jobId) {
  stopListening();
  forgetResult();
  state.jobId = jobId;
  state.stop = service.listen(jobId, onJob, () => fail("offline", fromAddress));
}

/** Uploads the coach's video, if there is one, then the user's video; then writes the document. */
async function send(file, exercise, coach = null) {
  const upload = { name: file.name, percent: 0, problem: null, abort: new AbortController() };
  const seen = () => state.upload === upload;
  const again = () => {
    uploads.delete(upload);
    send(file, exercise, coach);
  };
  upload.show = () => {
    state.upload = upload;
    if (upload.problem) fail(upload.problem, again);
    else showStage("sending", upload.percent);
  };
  uploads.add(upload);
  upload.show();
  try {
    const whole = file.size + (coach?.size ?? 0);
    let sent = 0;
    const onBytes = (bytes) => {
      upload.percent = (100 * (sent + bytes)) / Math.max(1, whole);
      if (seen()) showStage("sending", upload.percent);
      else if (state.shown === "pick") listHistory();
    };
    const put = async (one) => {
      const path = await service.upload(one, (fraction) => onBytes(fraction * one.size), upload.abort.signal);
      sent += one.size;
      return path;
    };
    const reference = coach && (await put(coach));
    const video = await put(file);
    const job = { video, language: state.language, ...(exercise && { exercise }), ...(reference && { reference }) };
    const jobId = await service.submit(job);
    uploads.delete(upload);
    ownVideos.set(jobId, URL.createObjectURL(file));
    service.remember(entryOf(jobId, { status: "uploaded", exercise }, null));
    if (!seen()) return state.shown === "pick" && listHistory();
    state.upload = null;
    history.pushState(null, "", `#${jobId}`);
    showStage("queued", 0);
    follow(jobId);
  } catch (error) {
    if (upload.abort.signal.aborted) {
      uploads.delete(upload);
      if (seen()) startOver();
      return;
    }
    upload.problem = error instanceof TooLarge ? "tooLarge" : error instanceof Offline ? "offline" : "uploadFailed";
    if (seen()) upload.show();
    else if (state.shown === "pick") listHistory();
  }
}

async function listHistory() {
  const node = element("history");
  const entries = await service.history().catch(() => []); // offline: the page works without the history
  if (state.shown !== "pick") return;
  showHistory(node, entries, [...uploads], words(), nameOf);
  for (const { id } of entries.filter((entry) => isRunning(entry) && !awaited.has(entry.id))) {
    awaited.set(id, () => {});
    const stop = service.listen(id, (job) => (!job || job.result || !isRunning(job)) && listAnew(id), () => {});
    awaited.set(id, stop);
  }
}

/** A job of the history has its result or its final status. */
function listAnew(id) {
  awaited.get(id)?.();
  if (state.shown === "pick") listHistory();
}

function stopAwaiting() {
  for (const stop of awaited.values()) stop();
  awaited.clear();
}

function startOver() {
  stopListening();
  closeCamera();
  if (state.upload?.problem) uploads.delete(state.upload); // the user has seen the problem and left it
  state.jobId = state.upload = null;
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
  element("pick-form").reset();
  showPreview(null);
  askForCoach();
  show("pick");
  listHistory();
}

function showPreview(file) {
  const preview = element("preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
  else preview.removeAttribute("src");
}

/** A coach's video is needed only if the exercise is `reference`. */
function askForCoach() {
  const wanted = element("exercise").value === "reference";
  element("coach-field").hidden = !wanted;
  element("coach").required = wanted;
}

/** Takes a video that was dropped or recorded as if it had been chosen. */
function choose(file) {
  const files = new DataTransfer();
  files.items.add(file);
  element("video").files = files.files;
  showPreview(file);
}

let camera = null;

function closeCamera() {
  camera?.close();
  camera = null;
  element("viewfinder").hidden = true;
  element("record").dataset.words = "record";
  element("record").textContent = words().record;
}

/** One button: opens the camera, starts, stops. */
async function record() {
  const button = element("record");
  const say = (key) => {
    button.dataset.words = key;
    button.textContent = words()[key];
  };
  element("camera-said").textContent = "";
  try {
    if (!camera) {
      camera = new Camera();
      showPreview(null);
      element("viewfinder").hidden = false;
      await camera.open(element("viewfinder"));
      say("startRecording");
    } else if (button.dataset.words === "startRecording") {
      camera.start();
      say("stopRecording");
    } else {
      choose(await camera.stop());
      closeCamera();
    }
  } catch {
    closeCamera();
    element("camera-said").textContent = words().cameraFailed;
  }
}

function listenForDrops() {
  const drop = element("drop");
  const over = (event, is) => {
    event.preventDefault(); // otherwise the browser would open the video instead of the page
    drop.classList.toggle("over", is);
  };
  addEventListener("dragover", (event) => over(event, true));
  addEventListener("dragleave", (event) => over(event, false));
  addEventListener("drop", (event) => {
    over(event, false);
    const [file] = event.dataTransfer.files;
    if (file && state.shown === "pick") choose(file);
  });
}

/** The address contains the job, so that a reload, the back button or a bookmark shows it again. */
function fromAddress() {
  const jobId = decodeURIComponent(location.hash.slice(1));
  if (jobId) {
    state.upload = null;
    showStage("queued", 0);
    follow(jobId);
  } else {
    startOver();
  }
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.onclick = () => speak(button.dataset.language);
  button.disabled = false; // a tap before this would be lost: the page shows both buttons while the catalogue is loading
}
for (const button of document.querySelectorAll(".again")) button.onclick = startOver;
element("record").onclick = () => (canRecord ? record() : element("phone-camera").click());
element("phone-camera").onchange = (event) => event.target.files[0] && choose(event.target.files[0]);
listenForDrops();
for (const change of ["online", "offline"]) addEventListener(change, () => (element("offline").hidden = navigator.onLine));
element("offline").hidden = navigator.onLine;
element("exercise").onchange = askForCoach;
element("video").onchange = (event) => showPreview(event.target.files[0]);
element("pick-form").onsubmit = (event) => {
  event.preventDefault();
  const exercise = element("exercise").value;
  send(element("video").files[0], exercise, exercise === "reference" ? element("coach").files[0] : null);
};
element("cancel").onclick = () => (state.upload ? state.upload.abort.abort() : state.jobId && service.cancel(state.jobId));
element("sign-out").onclick = () => service.signOut();
element("google").onclick = () => signIn("google");
element("sign-in-form").onsubmit = (event) => {
  event.preventDefault();
  signIn(event.submitter?.value ?? "signIn");
};
navigator.serviceWorker?.register("sw.js").catch(() => {}); // missing without https, refused in some private windows: the page works without it
addEventListener("popstate", fromAddress);

async function signIn(how) {
  const said = element("sign-in-said");
  said.textContent = "";
  try {
    await service.signIn(how, element("email").value, element("password").value);
  } catch {
    said.textContent = words().signInFailed;
  }
}

speak(state.language);
service.onUser((signedIn) => {
  element("sign-out").hidden = !(signedIn && needsSignIn);
  element("sign-in-form").reset();
  stopListening();
  stopAwaiting();
  element("history").replaceChildren(); // the history of another user
  if (signedIn) fromAddress();
  else show("sign-in");
});
