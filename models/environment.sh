#!/usr/bin/env bash
# environment.sh FOLDER: the simulator's and the trainer's own Python environment, made once in FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."
! "$1/bin/python" -c "import anny, openvino, rich, sklearn, torch" 2>/dev/null || exit 0
scripts/apt-install.sh libegl1 libgl1 ffmpeg
echo "installing the simulator's and the trainer's packages (once, about 2 GB)"
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check -r models/spine/requirements.txt \
    -r models/lifts/requirements.txt
echo "working out the body model (a minute or two, once)"
PYTHONPATH=models/people "$1/bin/python" -B -c "from body import anny_model; anny_model()"
