#!/usr/bin/env bash
# Makes what consumers need in Google Cloud: service accounts with minimal roles and, for DOTHIS_INTAKE=pubsub, the route of a new
# document to a consumer:
#
#   Firestore --(Eventarc: created)--> workflow --> topic dothis-jobs --> subscription dothis-consumers --> consumers
#                                                                              | after 100 deliveries
#                                                                              v
#                                             topic dothis-dead-letters --> subscription dothis-dead-letters (for an operator)
#
# Usage: PROJECT=my-project BUCKET=my-project.firebasestorage.app REGION=us-central1 deploy/google-cloud/set-up.sh
# REGION is the region of the database (nam5: us-central1, eur3: europe-west4). The script can run again: it makes only what is
# missing.
set -euo pipefail
cd "$(dirname "$0")"

: "${PROJECT:?the Google Cloud project}" "${BUCKET:?the Cloud Storage bucket}" "${REGION:?the region of the Firestore database}"
COLLECTION=${COLLECTION:-uploads}
DATABASE=${DATABASE:-(default)}
NAMESPACE=${NAMESPACE:-dothis} # namespace of the consumers in Kubernetes; empty without Kubernetes

consumer=dothis-consumer@$PROJECT.iam.gserviceaccount.com
trigger=dothis-trigger@$PROJECT.iam.gserviceaccount.com
number=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')
pubsub=service-$number@gcp-sa-pubsub.iam.gserviceaccount.com

# make NOUN... -- NAME FLAGS...: create the resource unless it exists.
make() {
    local noun=()
    while [[ $1 != -- ]]; do noun+=("$1"); shift; done
    shift
    local name=$1 where=("--project=$PROJECT")
    for flag in "$@"; do [[ $flag == --location=* ]] && where+=("$flag"); done
    gcloud "${noun[@]}" describe "$name" "${where[@]}" >/dev/null 2>&1 || gcloud "${noun[@]}" create "$@" --project="$PROJECT"
}

# role NAME FILE: create or update the custom role.
role() {
    if gcloud iam roles describe "$1" --project="$PROJECT" >/dev/null 2>&1; then
        gcloud iam roles update "$1" --project="$PROJECT" --file="$2" --quiet
    else
        gcloud iam roles create "$1" --project="$PROJECT" --file="$2" --quiet
    fi
}

gcloud services enable firestore.googleapis.com storage.googleapis.com pubsub.googleapis.com eventarc.googleapis.com \
    eventarcpublishing.googleapis.com workflows.googleapis.com workflowexecutions.googleapis.com --project="$PROJECT"

# --- accounts and roles --------------------------------------------------------------------------------------------------------

for account in dothis-consumer dothis-trigger; do
    gcloud iam service-accounts describe "$account@$PROJECT.iam.gserviceaccount.com" --project="$PROJECT" >/dev/null 2>&1 ||
        gcloud iam service-accounts create "$account" --project="$PROJECT"
done
role dothisConsumer consumer-role.yaml
role dothisObjects objects-role.yaml

gcloud projects add-iam-policy-binding "$PROJECT" --member="serviceAccount:$consumer" \
    --role="projects/$PROJECT/roles/dothisConsumer" --condition=None
gcloud storage buckets add-iam-policy-binding "gs://$BUCKET" --member="serviceAccount:$consumer" \
    --role="projects/$PROJECT/roles/dothisObjects"
if [[ $NAMESPACE ]]; then
    gcloud iam service-accounts add-iam-policy-binding "$consumer" --project="$PROJECT" \
        --role=roles/iam.workloadIdentityUser --member="serviceAccount:$PROJECT.svc.id.goog[$NAMESPACE/dothis-consumer]"
fi

# --- topics and subscriptions ------------------------------------------------------------------------------------------------

make pubsub topics -- dothis-jobs
make pubsub topics -- dothis-dead-letters
make pubsub subscriptions -- dothis-dead-letters --topic=dothis-dead-letters --message-retention-duration=31d \
    --expiration-period=never
# The deadline matters only if a consumer is killed before it extends the deadline itself. Pub/Sub also counts deliveries while a
# job waits for its turn. So the limit of deliveries is the highest that Pub/Sub allows: the job's document counts the attempts.
make pubsub subscriptions -- dothis-consumers --topic=dothis-jobs --ack-deadline=30 --message-retention-duration=7d \
    --expiration-period=never --min-retry-delay=1s --max-retry-delay=60s \
    --dead-letter-topic=dothis-dead-letters --max-delivery-attempts=100

gcloud pubsub subscriptions add-iam-policy-binding dothis-consumers --project="$PROJECT" \
    --member="serviceAccount:$consumer" --role=roles/pubsub.subscriber
gcloud pubsub topics add-iam-policy-binding dothis-jobs --project="$PROJECT" \
    --member="serviceAccount:$trigger" --role=roles/pubsub.publisher
# Pub/Sub's own service account moves dead letters.
gcloud pubsub topics add-iam-policy-binding dothis-dead-letters --project="$PROJECT" \
    --member="serviceAccount:$pubsub" --role=roles/pubsub.publisher
gcloud pubsub subscriptions add-iam-policy-binding dothis-consumers --project="$PROJECT" \
    --member="serviceAccount:$pubsub" --role=roles/pubsub.subscriber

# --- the trigger -------------------------------------------------------------------------------------------------------------

gcloud workflows deploy dothis-publish --project="$PROJECT" --location="$REGION" --source=publish.workflow.yaml \
    --service-account="$trigger" --set-env-vars=TOPIC=dothis-jobs --call-log-level=log-errors-only
for role in roles/eventarc.eventReceiver roles/workflows.invoker roles/logging.logWriter; do
    gcloud projects add-iam-policy-binding "$PROJECT" --member="serviceAccount:$trigger" --role="$role" --condition=None
done
make eventarc triggers -- dothis-created --location="$REGION" \
    --destination-workflow=dothis-publish --destination-workflow-location="$REGION" \
    --event-filters=type=google.cloud.firestore.document.v1.created --event-filters="database=$DATABASE" \
    --event-filters-path-pattern="document=$COLLECTION/{job}" \
    --event-data-content-type=application/protobuf --service-account="$trigger"
