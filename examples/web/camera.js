/* Records a video with the camera of the phone or computer. */

const TYPES = ["video/mp4", "video/webm"];

/** Whether this page may use a camera. Without https it may not; then the phone's camera app records. */
export const canRecord = Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);

export class Camera {
  #stream;
  #recorder;

  /** Shows the camera's picture in `viewfinder`; throws a DOMException if the user or the device refuses. */
  async open(viewfinder) {
    this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", frameRate: { ideal: 30 } }, audio: false });
    viewfinder.srcObject = this.#stream;
    await viewfinder.play();
  }

  start() {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(this.#stream, { mimeType, videoBitsPerSecond: 4_000_000 });
    this.#recorder.start();
  }

  /** Ends the recording and returns it as a File. */
  async stop() {
    const recorder = this.#recorder;
    const recorded = new Promise((resolve) => (recorder.ondataavailable = ({ data }) => resolve(data)));
    recorder.stop();
    const data = await recorded;
    this.close();
    const type = data.type.split(";")[0];
    return new File([data], `recording.${type.split("/")[1]}`, { type });
  }

  /** Stops the camera. */
  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
  }
}
