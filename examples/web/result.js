/* The finished job: score, advice, pictures, graph, video, and the repetitions one by one. */

const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};

let latest = 0;
let shown = "";

/** Fills the result's section from a document with a `result`; `nameOf` gives an exercise's name; drawn again only when something in it has changed. */
export async function showResult(service, job, words, nameOf) {
  const { result } = job;
  const content = JSON.stringify([result, job.status, words.title]);
  if (content === shown && document.getElementById("result-body").childElementCount) return showPercent(job, words);
  shown = content;
  const turn = (latest += 1);
  document.getElementById("result-title").textContent = [...new Set((result.sets ?? [result]).map(({ exercise }) => nameOf(exercise)))].join(", ");
  const body = document.getElementById("result-body");
  const several = (result.sets ?? []).length > 1;
  body.replaceChildren(
    ...(several ? [] : [figures(result, words)]),
    make("p", { textContent: result.summary }),
    ...(several ? [] : advice(result, words)),
  );

  const parts = [pictures, video, graph, repetitions].map((part) => part(service, result, words, job));
  for (const part of parts) {
    const nodes = await part;
    if (turn !== latest) return; // the language was changed meanwhile, or another result is shown
    body.append(...nodes);
  }
}

function figures(result, words) {
  const list = make("dl", { className: "figures" });
  const add = (title, value, unit = "") =>
    list.append(make("div", {}, make("dt", { textContent: title }), make("dd", {}, String(value), make("small", { textContent: ` ${unit}` }))));
  if (result.score == null) add(words.score, words.noScore);
  else add(words.score, Math.round(result.score), words.outOf100);
  if (result.hold) {
    add(words.held, words.seconds(result.hold.durationS.toFixed(1)));
    add(words.heldWell, words.seconds(result.hold.goodS.toFixed(1)));
  } else {
    add(words.reps, result.reps);
    add(words.goodReps, result.goodReps);
  }
  return list;
}

function advice(result, words) {
  const title = make("h2", { textContent: words.adviceTitle });
  if (!result.faults.length) return [title, make("p", { textContent: words.noFaults })];
  const items = result.faults.map((fault) => {
    const item = make("li", {}, make("h3", { textContent: fault.title }), make("p", { textContent: fault.advice }));
    if (fault.reps.length) item.append(make("p", { className: "where", textContent: words.inReps(fault.reps) }));
    return item;
  });
  return [title, make("ul", { className: "advice" }, ...items)];
}

async function pictures(service, { files }, words) {
  const there = Object.keys(words.pictures).filter((kind) => files[kind]);
  if (!there.length) return [];
  const shown = there.map(async (kind) => {
    const image = make("img", { alt: words.pictures[kind], src: await service.url(files[kind]), decoding: "async" });
    return make("figure", {}, image, make("figcaption", { textContent: words.pictures[kind] }));
  });
  return [make("h2", { textContent: words.picturesTitle }), make("div", { className: "pictures" }, ...(await Promise.all(shown)))];
}

function showPercent(job, words) {
  const coming = document.getElementById("video-coming");
  if (coming) coming.textContent = words.videoComing(job.progress?.percent ?? 0);
}

async function video(service, { files, warnings = [] }, words, job) {
  const title = make("h2", { textContent: words.videoTitle });
  if (!files.video && !["done", "cancelled"].includes(job.status)) {
    const coming = make("p", { id: "video-coming", textContent: words.videoComing(job.progress?.percent ?? 0) });
    return [title, coming];
  }
  if (!files.video) return warnings.length ? [title, ...warnings.map(({ message }) => make("p", { textContent: message }))] : [];
  const player = make("video", { controls: true, playsInline: true, muted: true, preload: "metadata", src: await service.url(files.video) });
  player.setAttribute("aria-label", words.videoTitle);
  return [title, player];
}

async function graph(service, { files }, words) {
  if (!files.graph) return [];
  const image = make("img", { className: "graph", alt: words.graphAlt, src: await service.url(files.graph), decoding: "async" });
  return [make("h2", { textContent: words.graphTitle }), image];
}

async function repetitions(service, { files }, words) {
  if (!files.report) return [];
  const address = await service.url(files.report);
  const link = make("a", { href: address, download: "report.json", textContent: words.report });
  const report = await fetch(address)
    .then((answer) => answer.json())
    .catch(() => null); // the table is an extra: without it, everything else still stands
  const nodes = [];
  const sets = report?.sets ?? [];
  if (sets.length > 1) nodes.push(make("h2", { textContent: words.setsTitle }), ...sets.map((set) => setOf(set, words)));
  else if (report?.reps?.items.length) nodes.push(make("h2", { textContent: words.repsTitle }), table(report.reps.items, report.faults, words));
  if (report?.notAssessed?.length) {
    const items = report.notAssessed.map(({ title, reason }) => make("li", { textContent: `${title}: ${reason}` }));
    nodes.push(make("h2", { textContent: words.notAssessedTitle }), make("ul", {}, ...items));
  }
  return [...nodes, make("p", {}, link)];
}

/** One set of several: its figures in a line that opens advice and repetitions. */
function setOf(set, words) {
  const counted = set.hold ? words.seconds(set.hold.durationS.toFixed(1)) : words.setReps(set.reps, set.goodReps);
  const score = set.score == null ? "" : ` · ${words.score} ${Math.round(set.score)}`;
  const line = make("summary", { textContent: `${words.set(set.index)} · ${set.name} · ${counted}${score}` });
  const parts = set.items.length ? [table(set.items, set.faults, words)] : [];
  return make("details", { className: "set" }, line, ...advice(set, words), ...parts);
}

function table(items, faultsFound, words) {
  const titles = Object.fromEntries(faultsFound.map(({ id, title }) => [id, title]));
  const head = [words.rep, words.from, words.to, words.score, words.verdict];
  const rows = items.map((rep) => {
    const faults = rep.faults.map((id) => titles[id] ?? id).join(", ");
    const cells = [rep.startS.toFixed(1), rep.endS.toFixed(1), rep.score == null ? "–" : Math.round(rep.score), faults || (rep.good ? words.good : words.faulty)];
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
