/* The finished job: the video with its timeline, score, advice, pictures, graph, and the repetitions one by one. */
import { draw, make } from "./dom.js";
import { filmFrom, viewFor } from "./filmfrom.js";
import { openable } from "./pictures.js";
import { faultsOf, Player } from "./player.js";

const OVER = ["done", "cancelled"];
/** How many exercises a title names; of more it gives the number. */
const NAMED = 3;

let latest = 0;
let shown = null;
let player = null;

/**
 * Fills the result's section from a document with a `result`. It is drawn again only when the feedback or the language
 * changes. When the annotated video is ready it is added, and everything else stays as it is.
 *
 * `page` is {service, words, nameOf, checkOf, own}: nameOf gives an exercise's name, checkOf(exercise, id) its check, `own` is
 * the address of the user's own video in this browser, or null.
 * Returns the report; null if it could not be loaded, or if another result is shown in the meantime.
 */
export async function showResult(job, page) {
  const { result } = job;
  const { words, nameOf } = page;
  const content = JSON.stringify([{ ...result, files: { ...result.files, video: null }, warnings: [] }, words.title]);
  if (content === shown?.content) {
    if (player) await showVideo(job, page);
    return shown.report;
  }
  shown = { content, report: null };
  player = null;
  const turn = (latest += 1);
  const sets = result.sets ?? [result];
  const names = [...new Set(sets.map(({ exercise }) => nameOf(exercise)))];
  document.getElementById("result-title").textContent = names.length > NAMED ? words.exercises(names.length) : names.join(", ");
  const body = document.getElementById("result-body");
  body.replaceChildren(make("p", { className: "summary", textContent: result.summary }));

  const { files } = result;
  const there = Object.entries(files).filter(([, path]) => path);
  const addresses = Object.fromEntries(await Promise.all(there.map(async ([kind, path]) => [kind, await page.service.url(path)])));
  const report = addresses.report ? await loadReport(addresses.report) : null;
  if (turn !== latest) return null; // in the meantime the language was changed, or another result is shown
  shown.report = report;
  player = new Player(report, words, addresses.best ?? addresses.worst1);

  const several = sets.length > 1;
  const told = make("div", { className: "told" }, make("p", { className: "summary", textContent: result.summary }));
  if (several) told.append(make("h2", { textContent: words.setsTitle }), ...(report?.sets ?? []).map((set) => setOf(set, words)));
  else told.append(...figures(result, report, words), ...advice(result, words));
  const beside = make("div", { className: "beside" }, player.node);
  body.replaceChildren(
    make("div", { className: "columns" }, beside, told),
    ...pictures(addresses, sets.some(({ faults }) => faults.length) ? words.pictures : words.picturesWithoutFaults, words),
    ...graph(addresses, words),
    ...(report ? repetitions(report, several, page) : []),
  );
  if (addresses.report) body.append(make("p", {}, make("a", { className: "file", href: addresses.report, download: "report.json", textContent: words.report })));
  await showVideo(job, page);
  return report;
}

/** Makes the page draw the next result again, even if it is the same one. */
export function forgetResult() {
  latest += 1;
  shown = player = null;
  document.getElementById("result-body").replaceChildren();
}

async function loadReport(address) {
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // offline or refused: score and advice are in the document
  }
}

async function showVideo(job, { service, words, own }) {
  const { video } = job.result.files;
  const mine = player;
  if (video) {
    const address = await service.url(video);
    mine.play(address);
    return mine.say("");
  }
  if (own) mine.play(own);
  if (!OVER.includes(job.status)) return mine.say(words.videoComing(job.progress?.percent ?? 0));
  return mine.say(job.result.warnings?.find(({ code }) => code === "no_annotated_video")?.message ?? "");
}

function figures(result, report, words) {
  const list = make("dl", { className: "figures" });
  const add = (title, value) => list.append(make("div", {}, make("dt", { textContent: title }), make("dd", { textContent: String(value) })));
  if (result.hold) {
    add(words.held, words.seconds(result.hold.durationS.toFixed(1)));
    add(words.heldWell, words.seconds(result.hold.goodS.toFixed(1)));
  } else {
    add(words.reps, result.reps);
    // If the form was not judged, no repetition is called good or bad.
    if (result.score != null) add(words.goodReps, result.goodReps);
  }
  for (const [name, title] of Object.entries(words.statistics)) {
    const figure = report?.statistics[name];
    if (figure) add(title, words.figure(figure));
  }
  return [make("div", { className: "score-card" }, ring(result.score, words), madeOf(result, report?.reps.items ?? [], words)), list];
}

const levelOf = (score) => (score == null ? "none" : score >= 85 ? "good" : score >= 65 ? "minor" : "major");

function ring(score, words) {
  const length = 2 * Math.PI * 42;
  const colour = levelOf(score);
  const text = score == null ? words.noScore : String(Math.round(score));
  const picture = draw("svg", { viewBox: "0 0 100 100", class: `ring ${colour}`, role: "img" });
  picture.setAttribute("aria-label", score == null ? `${words.score}: ${text}` : `${words.score}: ${text} ${words.outOf100}`);
  picture.append(draw("circle", { cx: 50, cy: 50, r: 42, class: "whole" }));
  if (score) picture.append(draw("circle", { cx: 50, cy: 50, r: 42, class: "part", "stroke-dasharray": `${(length * score) / 100} ${length}`, transform: "rotate(-90 50 50)" }));
  picture.append(draw("text", { x: 50, y: 52, class: "big" }, text), draw("text", { x: 50, y: 70, class: "small" }, words.score));
  return picture;
}

/** The parts of the score: the mean of the repetitions, and the points that each repetition lost. */
function madeOf(result, items, words) {
  const box = make("div", { className: "made-of" });
  if (result.score == null) box.append(make("p", { textContent: words.noScoreWhy }));
  else if (result.hold) box.append(make("p", { textContent: words.holdScore }));
  else box.append(make("p", { textContent: words.meanOf(result.reps) }));
  const lines = items
    .filter(({ score }) => score != null && score < 100)
    .map((rep) => {
      const what = `${words.repetition(rep.index)}: ${titlesOf(rep, result.faults)}`;
      return make("li", {}, make("span", { textContent: what }), make("b", { textContent: `−${Math.round(100 - rep.score)}` }));
    });
  if (lines.length) box.append(make("ul", {}, ...lines));
  return box;
}

function advice(result, words) {
  const title = make("h2", { textContent: words.adviceTitle });
  // Where no form was judged, the summary says so, and nothing is called right.
  if (!result.faults.length) return result.score == null ? [] : [title, make("p", { textContent: words.noFaults })];
  const items = result.faults.map((fault) => {
    const item = make("li", { className: fault.severity ?? "major" }, make("h3", { textContent: fault.title }), make("p", { textContent: fault.advice }));
    if (fault.reps.length) item.append(make("p", { className: "where", textContent: words.inReps(fault.reps) }));
    return item;
  });
  return [title, make("ul", { className: "advice" }, ...items)];
}

function pictures(addresses, captions, words) {
  const there = Object.keys(captions).filter((kind) => addresses[kind]);
  if (!there.length) return [];
  const figures = there.map((kind) => openable(addresses[kind], captions[kind], `${kind}.png`, words));
  return [make("h2", { textContent: words.picturesTitle }), make("div", { className: "pictures" }, ...figures)];
}

function graph(addresses, words) {
  if (!addresses.graph) return [];
  return [make("h2", { textContent: words.graphTitle }), make("div", { className: "graph" }, openable(addresses.graph, words.graphAlt, "graph.png", words, words.wholeGraph))];
}

function repetitions(report, several, page) {
  const { words } = page;
  const nodes = [];
  if (report.notAssessed.length) {
    const items = report.notAssessed.map(({ id, title, reason }) => {
      const view = viewFor(page.checkOf(report.exercise.id, id), report.view.id);
      const item = make("li", {}, make("div", {}, make("h3", { textContent: title }), make("p", { textContent: reason })));
      if (view) item.prepend(filmFrom(view, words.filmFrom(words.views[view])));
      return item;
    });
    nodes.push(make("h2", { textContent: words.notAssessedTitle }), make("ul", { className: "not-assessed" }, ...items));
  }
  if (!several && report.reps.items.length) {
    nodes.push(make("details", { className: "set" }, make("summary", { textContent: words.repsTitle }), table(report.reps.items, report.faults, words)));
  }
  return nodes;
}

/** One of several sets: a line with its figures, which opens advice and repetitions. */
function setOf(set, words) {
  const reps = set.score == null ? `${words.reps}: ${set.reps}` : words.setReps(set.reps, set.goodReps);
  const counted = set.hold ? words.seconds(set.hold.durationS.toFixed(1)) : reps;
  const line = make(
    "summary",
    {},
    make("span", { className: "set-name" }, make("strong", { textContent: `${words.set(set.index)} · ${set.name}` }), make("span", { className: "where", textContent: counted })),
  );
  if (set.score != null) {
    const score = make("span", { className: `set-score ${levelOf(set.score)}`, textContent: Math.round(set.score) });
    score.prepend(make("span", { className: "unseen", textContent: `${words.score} ` }));
    line.append(score);
  }
  const parts = set.items.length ? [table(set.items, set.faults, words)] : [];
  const how = make("div", { className: "score-card" }, ring(set.score, words), madeOf(set, set.items, words));
  return make("details", { className: "set" }, line, how, ...advice(set, words), ...parts);
}

const titlesOf = (rep, found) => faultsOf(rep, found).map(({ title }) => title).join(", ");

function table(items, faultsFound, words) {
  const head = [words.rep, words.from, words.to, words.score, words.verdict];
  const rows = items.map((rep) => {
    const faults = titlesOf(rep, faultsFound);
    const cells = [rep.startS.toFixed(1), rep.endS.toFixed(1), rep.score == null ? "–" : Math.round(rep.score), faults || (rep.score == null ? "–" : rep.good ? words.good : words.faulty)];
    return make("tr", {}, make("th", { scope: "row", textContent: rep.index }), ...cells.map((text) => make("td", { textContent: text })));
  });
  const columns = head.map((text) => make("th", { scope: "col", textContent: text }));
  const scroll = make(
    "div",
    { className: "scroll", tabIndex: 0, role: "region" },
    make("table", {}, make("caption", { textContent: words.repsCaption }), make("thead", {}, make("tr", {}, ...columns)), make("tbody", {}, ...rows)),
  );
  scroll.setAttribute("aria-label", words.repsTitle);
  return scroll;
}
