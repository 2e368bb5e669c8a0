/* The video with its timeline: repetitions and sets in green, amber and red. A tap seeks. Shows the advice for the current repetition. */
import { make } from "./dom.js";
import { timescale } from "./timescale.js";

/** Seconds between a repetition's mark and the playing time that still count as equal: seeking is not exact. */
const CLOSE_S = 0.05;

/** good: nothing to correct; minor: good with a minor fault; major: to correct. */
export const verdictOf = ({ good, faults }) => (good ? (faults.length ? "minor" : "good") : "major");

/** The faults of one repetition; faults of a reference have the same id, and differ in their `reps`. */
export const faultsOf = ({ index, faults }, found) => found.filter(({ id, reps }) => faults.includes(id) && reps.includes(index));

/** The entries of the timeline: each repetition and each hold, in order of time. */
export function momentsOf(report, words) {
  return report.sets.flatMap((set) => {
    if (set.hold) {
      const major = set.faults.some(({ severity }) => severity === "major");
      const verdict = major ? "major" : set.faults.length ? "minor" : "good";
      return [{ set, label: words.set(set.index), short: set.name, startS: set.startS, endS: set.endS, score: set.score, verdict, faults: set.faults }];
    }
    return set.items.map((rep) => ({
      set,
      label: report.sets.length > 1 ? `${words.set(set.index)} · ${words.repetition(rep.index)}` : words.repetition(rep.index),
      short: String(rep.index),
      startS: rep.startS,
      endS: rep.endS,
      score: rep.score,
      verdict: verdictOf(rep),
      faults: faultsOf(rep, set.faults),
    }));
  });
}

/** The video, its timeline and the advice beside it. */
export class Player {
  #moments;
  #words;
  #film;
  #coming;
  #advice;
  #needle;
  #chips;
  #bars;
  #scale;
  #shown;
  #frame;

  /** `report` is null if it could not be loaded; then there is no timeline. */
  constructor(report, words, poster) {
    this.#words = words;
    this.#moments = report ? momentsOf(report, words) : [];
    this.#scale = report && timescale(report.sets, report.video.durationS);
    this.#film = make("video", { controls: true, playsInline: true, preload: "metadata", hidden: true, muted: true });
    if (poster) this.#film.poster = poster;
    this.#film.setAttribute("aria-label", words.filmLabel);
    this.#coming = make("p", { className: "coming", hidden: true });
    const still = poster ? [make("img", { className: "still", src: poster, alt: "" })] : [];
    this.node = make("div", { className: "player" }, make("div", { className: "stage" }, this.#film, ...still), this.#coming);
    if (this.#moments.length) this.node.append(...this.#timeline(report));
    this.#film.ontimeupdate = this.#film.onseeked = () => this.#follow();
    this.#film.onplay = () => this.#everyFrame();
  }

  /** Plays the video at `address` from now on, from the same time. */
  play(address) {
    if (this.#film.src === new URL(address, location.href).href) return;
    const { currentTime, paused } = this.#film;
    this.#film.src = address;
    this.#film.hidden = false;
    this.node.querySelector(".still")?.remove();
    if (currentTime) this.#film.currentTime = currentTime;
    if (!paused) this.#film.play();
  }

  /** Shows a text about the video; an empty text shows nothing. */
  say(text) {
    this.#coming.hidden = !text;
    if (this.#coming.textContent !== text) this.#coming.textContent = text;
  }

  /** Seeks to a time of the video. */
  seek(seconds) {
    this.#film.currentTime = seconds;
    this.#show(this.#momentAt(seconds));
    this.#place(seconds);
  }

  #timeline(report) {
    const several = report.sets.length > 1;
    const placed = (node, { startS, endS }) => {
      const left = this.#scale.share(startS);
      node.style.left = `${100 * left}%`;
      node.style.width = `${100 * (this.#scale.share(endS) - left)}%`;
      return node;
    };
    this.#needle = make("div", { className: "needle" });
    // The faults of a hold are marked on its bar; the rest of the bar is good.
    this.#bars = this.#moments.map((moment) => {
      const colour = moment.set.hold && moment.faults.some(({ spans }) => spans.length) ? "good" : moment.verdict;
      return placed(make("span", { className: `bar ${colour}` }), moment);
    });
    const holds = report.sets
      .filter(({ hold }) => hold)
      .flatMap(({ faults }) => faults.flatMap(({ spans, severity }) => spans.map((span) => placed(make("span", { className: `bar ${severity} span` }), span))));
    const sets = several ? report.sets.map((set) => placed(make("span", { className: "set-line", textContent: set.index }), set)) : [];
    const track = make("div", { className: several ? "track several" : "track" }, ...sets, ...this.#bars, ...holds, this.#needle);
    // The buttons below do the same for keyboard and screen reader, with names.
    track.setAttribute("aria-hidden", "true");
    track.onpointerdown = (event) => {
      const { left, width } = track.getBoundingClientRect();
      const seconds = this.#scale.seconds((event.clientX - left) / width);
      this.seek(this.#momentAt(seconds)?.startS ?? seconds);
    };

    this.#chips = this.#moments.map((moment) => {
      const chip = make("button", { type: "button", className: `chip ${moment.verdict}`, textContent: moment.short });
      const what = moment.faults.map(({ title }) => title).join(", ") || this.#words.good;
      chip.setAttribute("aria-label", `${moment.label}: ${what}`);
      chip.onclick = () => {
        this.seek(moment.startS);
        this.node.firstChild.scrollIntoView({ block: "nearest" }); // the list of a whole workout is longer than a phone is high
      };
      return chip;
    });
    const rows = report.sets.map((set) => {
      const chips = this.#chips.filter((_, index) => this.#moments[index].set === set);
      const row = make("div", { className: "chips" }, ...chips);
      if (!several) return row;
      return make("div", { className: "chip-set" }, make("p", { textContent: `${this.#words.set(set.index)} · ${set.name}` }), row);
    });
    const group = make("div", { className: "rows" }, ...rows);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", this.#words.timeline);
    const legend = ["good", "minor", "major"].map((verdict) =>
      make("li", { className: verdict, textContent: this.#words.verdicts[verdict] }),
    );
    this.#advice = make("div", { className: "now", hidden: true });
    this.#advice.setAttribute("aria-live", "polite");
    return [track, this.#advice, group, make("ul", { className: "legend" }, ...legend)];
  }

  #everyFrame() {
    this.#follow();
    cancelAnimationFrame(this.#frame); // after a pause shorter than a frame, two loops would run
    if (!this.#film.paused && this.node.isConnected) this.#frame = requestAnimationFrame(() => this.#everyFrame());
  }

  #follow() {
    if (!this.#needle) return;
    this.#place(this.#film.currentTime);
    this.#show(this.#momentAt(this.#film.currentTime));
  }

  #place(seconds) {
    if (this.#needle) this.#needle.style.left = `${100 * this.#scale.share(seconds)}%`;
  }

  #momentAt(seconds) {
    // Where two entries meet it is the later one, because a tap on it seeks to its start.
    return this.#moments.findLast(({ startS, endS }) => startS - CLOSE_S <= seconds && seconds <= endS);
  }

  /** The advice stays until the next repetition begins: a repetition is too short to read its advice. */
  #show(moment) {
    if (!moment || moment === this.#shown) return;
    this.#shown = moment;
    this.#moments.forEach((other, index) => {
      this.#bars[index].classList.toggle("current", other === moment);
      if (other === moment) this.#chips[index].setAttribute("aria-current", "true");
      else this.#chips[index].removeAttribute("aria-current");
    });
    const said = moment.faults.length
      ? moment.faults.flatMap(({ title, advice }) => [make("h3", { textContent: title }), make("p", { textContent: advice })])
      : [make("p", { textContent: this.#words.goodRep })];
    const score = moment.score == null ? "" : ` · ${Math.round(moment.score)}`;
    this.#advice.className = `now ${moment.verdict}`;
    this.#advice.hidden = false;
    this.#advice.replaceChildren(make("p", { className: "where", textContent: `${moment.label}${score}` }), ...said);
  }
}
