/* Pictures that open full-screen, where they can be saved and shared. */
import { make } from "./dom.js";

/** A picture with its caption; a tap opens it full-screen. */
export function openable(address, alt, fileName, words, { caption = true } = {}) {
  const button = make("button", { type: "button", className: "picture" }, make("img", { src: address, alt, decoding: "async" }));
  button.onclick = () => open(address, alt, fileName, words);
  return make("figure", {}, button, ...(caption ? [make("figcaption", { textContent: alt })] : []));
}

function open(address, alt, fileName, words) {
  const close = make("button", { type: "button", className: "quiet", textContent: words.close });
  const save = make("button", { type: "button", textContent: words.save });
  const share = make("button", { type: "button", className: "quiet", textContent: words.share, hidden: !navigator.canShare });
  const said = make("p", { className: "where" });
  said.setAttribute("role", "status");
  const dialog = make("dialog", { className: "full" }, make("img", { src: address, alt }), said, make("div", { className: "buttons" }, save, share, close));
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
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the download has begun by then
}
