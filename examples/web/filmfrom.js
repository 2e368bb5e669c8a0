/* Draws a small picture that shows where to put the phone: the person from above, and the camera. */
import { draw } from "./dom.js";

/** Degrees from straight ahead of the person, clockwise as seen from above. */
const DEGREES = { front: 0, oblique: 45, side_left: 90, side_right: 90, rear: 180 };

/** The view to film from: the first view of the check; null if the check can be made from the view `filmed`. */
export function viewFor(check, filmed) {
  const views = check?.views ?? [];
  return views.length && !views.includes(filmed) ? views[0] : null;
}

/** The picture; `label` is its text for screen readers. */
export function filmFrom(view, label) {
  const camera = draw(
    "g",
    { transform: `rotate(${-DEGREES[view]} 48 48) translate(48 84)` },
    draw("path", { d: "M0 -4 L-13 -26 L13 -26 Z", class: "cone" }),
    draw("rect", { x: -6, y: -8, width: 12, height: 14, rx: 3, class: "phone" }),
  );
  const person = draw(
    "g",
    { class: "person" },
    draw("ellipse", { cx: 48, cy: 42, rx: 17, ry: 7 }),
    draw("circle", { cx: 48, cy: 43, r: 7, class: "head" }),
    draw("path", { d: "M45 49 L48 55 L51 49 Z" }),
  );
  const picture = draw("svg", { viewBox: "0 0 96 96", class: "film-from", role: "img", "aria-label": label });
  picture.append(draw("circle", { cx: 48, cy: 48, r: 40, class: "floor" }), camera, person);
  return picture;
}
