/* The user's results: each with its figures, and for each exercise the trend of score and range. */
import { draw, make } from "./dom.js";

/** Number of latest results in a trend. */
const LATEST = 12;

/** Whether the job is still running. */
export const isRunning = ({ status }) => ["uploaded", "waiting", "processing"].includes(status);

/** The entry of a job in the history, small enough for a browser's storage. `report` may be null. */
export function entryOf(id, job, report) {
  const { status, result } = job;
  const sets = (report?.sets ?? result?.sets ?? []).map((set) => ({
    exercise: set.exercise,
    score: set.score,
    range: set.range ?? set.statistics?.rangeOfMotion?.value ?? null,
  }));
  return { id, when: moment(job.createdAt), status, exercise: result?.exercise ?? job.exercise ?? null, score: result?.score ?? null, sets };
}

/** The entry from a document of `users/{uid}/history`. */
export function finishedEntry(id, { when, exercise, score, sets }) {
  return { id, when: moment(when), status: "done", exercise, score, sets };
}

/** Fills `node`. `uploads` are the current uploads: {name, percent, problem, show}. An empty history shows nothing. */
export function showHistory(node, entries, uploads, words, nameOf) {
  const rows = [...uploads.map((upload) => uploadRow(upload, words)), ...entries.map((entry) => row(entry, words, nameOf))];
  if (!rows.length) return node.replaceChildren();
  return node.replaceChildren(
    make("h2", { textContent: words.historyTitle }),
    ...trends(entries, words, nameOf),
    make("ul", { className: "past-jobs" }, ...rows),
  );
}

/** Milliseconds of a Firestore timestamp or an ISO 8601 string; without a value, which the server has not yet written, of now. */
function moment(time) {
  return time?.toMillis?.() ?? (Date.parse(time) || Date.now());
}

function uploadRow({ name, percent, problem, show }, words) {
  const button = make("button", { type: "button", className: "quiet", textContent: `${name}: ${problem ? words[problem] : words.said(words.stages.sending, Math.round(percent))}` });
  button.onclick = show;
  return make("li", {}, button);
}

function row({ id, when, status, exercise, score }, words, nameOf) {
  const day = new Date(when).toLocaleDateString(document.documentElement.lang, { month: "long", day: "numeric" });
  const said = score == null ? words.states[status] ?? words.noScore : `${words.score} ${Math.round(score)}`;
  const link = make("a", { href: `#${encodeURIComponent(id)}` }, make("strong", { textContent: exercise ? nameOf(exercise) : words.video }), make("span", { textContent: `${said} · ${day}` }));
  return make("li", {}, link);
}

function trends(entries, words, nameOf) {
  const sets = entries.toReversed().flatMap((entry) => entry.sets.filter(({ score }) => score != null));
  return [...new Set(sets.map(({ exercise }) => exercise))].flatMap((exercise) => {
    const latest = sets.filter((set) => set.exercise === exercise).slice(-LATEST);
    if (latest.length < 2) return [];
    const ranges = latest.map(({ range }) => range).filter((range) => range != null);
    const scores = latest.map(({ score }) => Math.round(score));
    const text = make("div", {}, make("h3", { textContent: nameOf(exercise) }), make("p", { textContent: words.change(words.score, scores[0], scores.at(-1)) }));
    if (ranges.length > 1) text.append(make("p", { textContent: words.change(words.statistics.rangeOfMotion, `${Math.round(ranges[0])}°`, `${Math.round(ranges.at(-1))}°`) }));
    return [make("div", { className: "trend" }, line(scores), text)];
  });
}

/** A line of scores from 0 to 100, which are also written beside it. */
function line(scores) {
  const points = scores.map((score, index) => [6 + (132 * index) / (scores.length - 1), 54 - (48 * score) / 100]);
  const picture = draw("svg", { viewBox: "0 0 144 60", "aria-hidden": "true" }, draw("polyline", { points: points.join(" ") }));
  const [x, y] = points.at(-1);
  picture.append(draw("circle", { cx: x, cy: y, r: 4 }));
  return picture;
}
