# One image for trials and production: `docker run -d -p 5000:5000 -v dothis:/data IMAGE` starts the daemon and the older HTTP
# interface on the embedded backend; with Firebase settings the same image is for production. It runs as an unprivileged user,
# with a read-only root file system and no capabilities, and writes only to /data.
# No BuildKit extensions: the classic builder can build it too.

FROM python:3.11-slim-bookworm AS build

# The vendor-neutral OpenGL dispatch libraries: MediaPipe links to them, but does not call them on a CPU. The image gets only
# three files of these packages; their dependencies Mesa and LLVM (250 MB) stay in this stage.
# Debian keeps only the newest patch of a package, so a version pinned here would stop building within weeks.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libegl1 libgles2 \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir /opt/gl \
    && cp -L /usr/lib/*-linux-gnu/libEGL.so.1 /usr/lib/*-linux-gnu/libGLESv2.so.2 /usr/lib/*-linux-gnu/libGLdispatch.so.0 /opt/gl/

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# Dependencies first, so that this layer is built again only when they change. The headless build of OpenCV has no Qt, X11 and
# GLib: it is 100 MB smaller and needs no more packages from Debian.
COPY setup.cfg constraints.txt ./
RUN python -m venv /opt/dothis \
    && python -c "import configparser; c = configparser.ConfigParser(); c.read('setup.cfg'); print(c['options']['install_requires'], c['options.extras_require']['pubsub'])" > requirements.txt \
    && /opt/dothis/bin/pip install --constraint constraints.txt --requirement requirements.txt \
    && opencv=$(sed -n 's/^opencv-contrib-python==//p' constraints.txt) \
    && /opt/dothis/bin/pip uninstall --yes opencv-contrib-python \
    && /opt/dothis/bin/pip install --no-deps "opencv-contrib-python-headless==$opencv"

# The pose model, from a package with a pinned version and hash. It changes less often than the code.
ENV DOTHIS_CACHE_DIR=/opt/dothis/models
COPY pose/errors.py ./pose/
COPY pose/reading/model.py ./pose/reading/
RUN /opt/dothis/bin/python -m pose.reading.model full

COPY . .
# Pip, and the tests and type stubs of dependencies, are not needed at run time.
RUN /opt/dothis/bin/pip install --no-deps . \
    && /opt/dothis/bin/pip uninstall --yes --quiet pip setuptools \
    && find /opt/dothis/lib -type d \( -name tests -o -name test \) -prune -exec rm -rf {} + \
    && find /opt/dothis/lib -name '*.pyi' -delete \
    && /opt/dothis/bin/python -m compileall -q /opt/dothis/lib


FROM python:3.11-slim-bookworm

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="doThis" \
      org.opencontainers.image.description="Analyses workout videos and answers like a good coach" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /opt/gl /usr/local/lib
COPY --from=build /opt/dothis /opt/dothis
RUN ldconfig \
    && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin dothis \
    && install -d -o dothis -g dothis /data /data/tmp

ENV PATH=/opt/dothis/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DOTHIS_CACHE_DIR=/opt/dothis/models \
    DOTHIS_DATA_DIR=/data \
    DOTHIS_SHIM_HOST=0.0.0.0 \
    DOTHIS_HEALTH_HOST=0.0.0.0 \
    MPLCONFIGDIR=/data/tmp/matplotlib \
    TMPDIR=/data/tmp

USER 10001:10001
WORKDIR /data
VOLUME /data
# 5000: the older HTTP interface; 8080: /healthz, /readyz and /metrics of the daemon.
EXPOSE 5000 8080
STOPSIGNAL SIGTERM
# Liveness only: Swarm and others restart an unhealthy container, which does not help in an outage. /readyz tells of outages.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('DOTHIS_HEALTH_PORT', '8080')}/healthz\", timeout=4)"]
ENTRYPOINT ["dothis"]
CMD ["up"]
