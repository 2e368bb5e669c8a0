/* Where a moment of the film lies on the timeline. */

/** The most of the timeline that the pauses may take: in ten minutes with eight sets they would leave a repetition one pixel. */
const PAUSES = 0.3;

/**
 * Shares of the timeline for seconds of the film, and back. Pauses are drawn shorter where they would take more than their share.
 * `sets` are {startS, endS} in order of time.
 */
export function timescale(sets, durationS) {
  const marks = [0];
  for (const { startS, endS } of sets) marks.push(Math.max(startS, marks.at(-1)), Math.max(endS, startS, marks.at(-1)));
  marks.push(Math.max(durationS, marks.at(-1)));
  const lengths = marks.slice(1).map((mark, index) => mark - marks[index]);
  const sum = (parity) => lengths.reduce((all, length, index) => all + (index % 2 === parity ? length : 0), 0);
  const [paused, worked] = [sum(0), sum(1)]; // a pause, a set, a pause, ...
  const squeeze = worked ? Math.min(1, (PAUSES * worked) / (1 - PAUSES) / (paused || 1)) : 1;
  const drawn = lengths.map((length, index) => length * (index % 2 ? 1 : squeeze));
  const whole = drawn.reduce((all, length) => all + length, 0) || 1;
  const places = drawn.reduce((all, length) => [...all, all.at(-1) + length / whole], [0]);
  const convert = (from, to) => (value) => {
    const at = Math.min(Math.max(value, from[0]), from.at(-1));
    const next = Math.max(1, from.findIndex((mark, index) => index && at <= mark));
    const length = from[next] - from[next - 1];
    return to[next - 1] + (length ? ((at - from[next - 1]) / length) * (to[next] - to[next - 1]) : 0);
  };
  return { share: convert(marks, places), seconds: convert(places, marks) };
}
