# `make` or `make help` lists the targets. Every target may be run again at any time: only what changed is redone.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test test check docs demo stack archive sbom image image-test bench soak bench-fleet chaos fuzz \
	train evaluate lock clean

EDGE_AGENT := .venv/bin/edge-agent
# The RTSP test server runs on Debian's own Python, the only one that can see Debian's GStreamer bindings.
TEST_PACKAGES := mosquitto chromium mosquitto-clients prometheus prometheus-alertmanager ffmpeg strace faketime systemd systemd-container mmdebstrap python3-gi \
	gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav

export PYTHON VIDEO SIGN_KEY BASE DRIVERS MINUTES FAULTS SEED FUZZ_CASES

help:  ## list the targets
	@awk -F ':.*##  *' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## virtual environment, locked dependencies and models; leaves .venv/bin/edge-agent
	@scripts/setup.sh runtime
	@$(EDGE_AGENT) models pull --quiet

setup-test: setup  ## what the tests need besides: broker, Prometheus, RTSP server, development tools
	@scripts/apt-install.sh $(TEST_PACKAGES)
	@scripts/setup.sh dev
	@scripts/tools.sh k8s
	@scripts/tools.sh docs

check: setup-test  ## formatting, lint and types only
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	@models/types.sh

test: check  ## everything: set-up, checks and tests; the image too, where one can be built
	.venv/bin/pytest
	@scripts/image/try.sh --where-possible

docs: setup  ## the documentation as a site: build/site, readable without a server; every link and anchor checked
	@scripts/tools.sh docs
	@NO_MKDOCS_2_WARNING=1 build/docs-venv/bin/mkdocs build --strict --quiet
	@echo "file://$(CURDIR)/build/site/index.html"

demo: setup  ## see it work; with your own camera: make demo VIDEO=my.mp4 | rtsp://... | 0
	@$(EDGE_AGENT) run --demo $${VIDEO:+--video "$$VIDEO"}

stack: setup-test  ## the whole chain with Prometheus and Alertmanager; Ctrl-C ends it; make stack VIDEO=rtsp://...
	@exec .venv/bin/python -m scripts.stack.run $${VIDEO:+"$$VIDEO"}

archive: setup  ## everything for a box without network, in one file; signed: make archive SIGN_KEY=key
	@scripts/archive/make.sh

sbom: setup  ## what a box or an image holds, with licences: build/sbom.cdx.json (CycloneDX)
	@mkdir -p build
	@scripts/sbom/make.sh build/sbom.cdx.json

image: setup  ## the container image, with podman, docker or buildah; BASE and DRIVERS: deploy/README.md
	@scripts/image/build.sh

image-test: setup-test  ## build the image with buildah where there is no registry of images, and try it (three minutes)
	@scripts/image/try.sh

bench: setup-test  ## what it costs (twenty minutes): build/bench.html; make bench VIDEO=my.mp4
	@scripts/bench/setup.sh
	@mkdir -p build
	@.venv/bin/python -m scripts.bench.run "$${VIDEO:-scripts/bench/shift.mp4}" build/bench.json

soak: setup-test  ## an hour with eight cameras and one that loses its power: build/soak.html; make soak MINUTES=10
	@mkdir -p build
	@.venv/bin/python -m scripts.bench.soak "$${VIDEO:-scripts/bench/shift.mp4}" build/soak.json \
		$${MINUTES:+--minutes "$$MINUTES"}

bench-fleet: setup-test  ## what the bridge bears (ten minutes): build/fleet.json; docs/fleet.md explains it
	@mkdir -p build
	@.venv/bin/python -m scripts.bench.fleet build/fleet.json

chaos: setup-test  ## break everything a thousand times, count: build/chaos.json; make chaos FAULTS=100 SEED=7
	@.venv/bin/python -m scripts.chaos.run $${FAULTS:+--faults "$$FAULTS"} $${SEED:+--seed "$$SEED"}

fuzz: setup  ## hostile input to every parser, guided by coverage: build/fuzz.json; make fuzz FUZZ_CASES=10000
	@scripts/fuzz/setup.sh
	@mkdir -p build
	@build/fuzz-venv/bin/python -m scripts.fuzz.run build/fuzz.json

train: setup  ## our models from nothing: simulated people, the real pose network, training (hours)
	@models/spine/make.sh
	@models/lifts/make.sh

evaluate: setup  ## how well simulated people are judged whom nothing was trained on; build/evaluation.html (an hour)
	@models/people/evaluate.sh

lock: setup-test  ## rewrite the hash locks
	scripts/lock.sh

clean:  ## remove .venv and caches; fetched models stay in ~/.cache/hingewatch
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
