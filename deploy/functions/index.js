// Forgets a user whose account was deleted: starts the Cloud Run job `dothis-forget`, which runs `dothis forget UID --yes`.
// Deploy as README.md beside this file says.
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

// A failure is tried again, for up to seven days; forgetting twice does no harm.
exports.forget = functions.runWith({ failurePolicy: true }).auth.user().onDelete((user) => forget(user.uid));
