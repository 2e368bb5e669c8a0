// When a user's account is deleted, start the Cloud Run job `dothis-forget`, which runs `dothis forget UID --yes`.
// README.md beside this file says how to deploy it.
const functions = require("firebase-functions/v1");
const { GoogleAuth } = require("google-auth-library");

const JOB = "dothis-forget";
const REGION = process.env.DOTHIS_REGION || "us-central1";

const auth = new GoogleAuth({ scopes: "https://www.googleapis.com/auth/cloud-platform" });

async function forget(uid) {
  const project = await auth.getProjectId();
  const url = `https://run.googleapis.com/v2/projects/${project}/locations/${REGION}/jobs/${JOB}:run`;
  const data = { overrides: { containerOverrides: [{ args: ["forget", uid, "--yes"] }] } };
  await auth.request({ url, method: "POST", data });
}

// Firebase repeats a failed call for up to seven days. It does no harm to forget a user twice.
exports.forget = functions.runWith({ failurePolicy: true }).auth.user().onDelete((user) => forget(user.uid));
