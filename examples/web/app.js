/* The page: which section is shown when, and what the user does in it. */
import { connect, needsSignIn, Offline, TooLarge } from "./service.js";
import { firstLanguage, languages } from "./words.js";
import { forgetResult, showResult } from "./result.js";

const STAGES = ["sending", "queued", "downloading", "analysing", "writing_feedback", "uploading", "annotating"];
const SECTIONS = ["sign-in", "pick", "working", "result", "problem"];

const service = await connect();
/** The catalogue, as `dothis exercises --json` prints it. */
const exercises = await (await fetch("exercises.json")).json();
const state = { language: firstLanguage(), document: null, stop: null, upload: null, jobId: null, shown: null, problem: null };

const element = (id) => document.getElementById(id);
const words = () => languages[state.language];
const checkOf = (exercise, id) => exercises.find((one) => one.id === exercise)?.checks.find((check) => check.id === id);
const nameOf = (wanted) => exercises.find(({ id }) => id === wanted)?.names[state.language] ?? wanted;

function show(section) {
  if (state.shown === section) return;
  state.shown = section;
  for (const id of SECTIONS) element(id).hidden = id !== section;
  element(`${section}-title`).focus(); // a screen reader reads the new heading, and Tab goes on from there
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
  select.value = chosen;
  element("stages").replaceChildren(
    ...STAGES.map((stage) => Object.assign(document.createElement("li"), { textContent: words().stages[stage] })),
  );
  if (state.shown === "working") showStage(state.stage, state.percent);
  if (state.shown === "result") showDocument();
  if (state.shown === "problem" && state.problem) fail(state.problem);
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

/** Shows a problem; `problem` is a key of the words, or {message} as the server says it. */
function fail(problem) {
  stopListening();
  state.problem = problem;
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
    // The feedback is there; the annotated video may follow.
    if (["done", "cancelled"].includes(job.status)) stopListening();
    show("result");
    return showDocument();
  }
  if (job.status === "failed" || job.status === "cancelled") return fail({ message: job.error?.message ?? words().problemTitle });
  const running = job.status === "processing" && job.progress;
  return showStage(running ? job.progress.stage : "queued", job.progress?.percent ?? 0, job.status === "waiting" ? words().retrying : "");
}

function showDocument() {
  return showResult(state.document, { service, words: words(), nameOf, checkOf, own: state.own });
}

function follow(jobId) {
  stopListening();
  forgetResult();
  state.jobId = jobId;
  state.stop = service.listen(jobId, onJob, () => fail("offline"));
}

async function send(file, exercise) {
  state.upload = new AbortController();
  showStage("sending", 0);
  try {
    const video = await service.upload(file, (fraction) => showStage("sending", 100 * fraction), state.upload.signal);
    const jobId = await service.submit({ video, language: state.language, ...(exercise && { exercise }) });
    history.pushState(null, "", `#${jobId}`);
    showStage("queued", 0);
    follow(jobId);
  } catch (error) {
    if (state.upload.signal.aborted) startOver();
    else fail(error instanceof TooLarge ? "tooLarge" : error instanceof Offline ? "offline" : "uploadFailed");
  } finally {
    state.upload = null;
  }
}

function startOver() {
  stopListening();
  state.jobId = null;
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
  element("pick-form").reset();
  showPreview(null);
  show("pick");
}

function showPreview(file) {
  const preview = element("preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
  else preview.removeAttribute("src");
}

/** The address names the job, so that a reload, the back button or a bookmark lead to it. */
function fromAddress() {
  const jobId = decodeURIComponent(location.hash.slice(1));
  if (jobId) {
    showStage("queued", 0);
    follow(jobId);
  } else {
    startOver();
  }
}

for (const button of document.querySelectorAll("[data-language]")) button.onclick = () => speak(button.dataset.language);
for (const button of document.querySelectorAll(".again")) button.onclick = startOver;
element("video").onchange = (event) => showPreview(event.target.files[0]);
element("pick-form").onsubmit = (event) => {
  event.preventDefault();
  send(element("video").files[0], element("exercise").value);
};
element("cancel").onclick = () => (state.upload ? state.upload.abort() : state.jobId && service.cancel(state.jobId));
element("sign-out").onclick = () => service.signOut();
element("google").onclick = () => signIn("google");
element("sign-in-form").onsubmit = (event) => {
  event.preventDefault();
  signIn(event.submitter?.value ?? "signIn");
};
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
  if (signedIn) fromAddress();
  else show("sign-in");
});
