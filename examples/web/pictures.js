/* Pictures that open full-screen, where they can be saved and shared. */
import { make } from "./dom.js";

/** From this ratio of height to width on a picture that fits a screen's height is too narrow to be read. */
const TALL = 2.5;

/** A picture with its caption; a tap opens it full-screen. */
export function openable(address, alt, fileName, words, caption = alt) {
  const image = make("img", { src: address, alt, decoding: "async" });
  const button = make("button", { type: "button", className: "picture" }, image);
  // Of a graph of many sets the page shows the beginning.
  image.onload = () => button.classList.toggle("tall", isTall(image));
  button.onclick = () => open(address, alt, fileName, words);
  return make("figure", {}, button, make("figcaption", { textContent: caption }));
}

const isTall = (image) => image.naturalHeight > TALL * image.naturalWidth;

function open(address, alt, fileName, words) {
  const close = make("button", { type: "button", className: "quiet", textContent: words.close });
  const save = make("button", { type: "button", textContent: words.save });
  const share = make("button", { type: "button", className: "quiet", textContent: words.share, hidden: !navigator.canShare });
  const said = make("p", { className: "where" });
  said.setAttribute("role", "status");
  const image = make("img", { src: address, alt });
  const sheet = make("div", { className: "sheet" }, image);
  image.onload = () => {
    if (!isTall(image)) return;
    sheet.classList.add("tall");
    sheet.tabIndex = 0; // it scrolls, by keyboard too
  };
  const dialog = make("dialog", { className: "full" }, sheet, said, make("div", { className: "buttons" }, save, share, close));
  dialog.setAttribute("aria-label", alt);
  close.onclick = () => dialog.close();
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.onclose = () => dialog.remove();
  const attempt = (action) => async () => {
    said.textContent = "";
    try {
      await action(await fileAt(address, fileName));
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = words.fileFailed; // AbortError: the user closed the share sheet
    }
  };
  save.onclick = attempt(saveFile);
  share.onclick = attempt((file) => navigator.share({ files: [file], title: "doThis", text: alt }));
  document.body.append(dialog);
  dialog.showModal();
}

async function fileAt(address, name) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`picture: ${answer.status}`);
  return new File([await answer.blob()], name, { type: "image/png" });
}

function saveFile(file) {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: `dothis-${file.name}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // by then the download has begun
}
