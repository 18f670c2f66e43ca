"""What MediaPipe Pose costs on the same frames. Runs in MediaPipe's own environment; prints one line of JSON.

Usage: mediapipe_pose.py FRAMES.npy pose|pose_and_mask
FRAMES.npy: (frames, height, width, 3) uint8, RGB. Only ``Pose.process`` is counted, all its threads included.
"""

import json
import platform
import sys
import time
from importlib.metadata import version

import mediapipe as mp
import numpy as np

WARM_UP_FRAMES = 5

frames = np.load(sys.argv[1], mmap_mode="r")
pose = mp.solutions.pose.Pose(
    static_image_mode=False, model_complexity=1, enable_segmentation=sys.argv[2] == "pose_and_mask"
)
for frame in frames[:WARM_UP_FRAMES]:
    pose.process(np.array(frame))
pose.reset()

found, spent_s = 0, 0.0
for frame in frames:
    picture = np.array(frame)  # from the file's pages into memory before the clock runs
    begin_s = time.process_time()
    answer = pose.process(picture)
    spent_s += time.process_time() - begin_s
    found += answer.pose_landmarks is not None

versions = {"mediapipe": version("mediapipe"), "python": platform.python_version()}
print(json.dumps({"frames": len(frames), "person_frames": found, "cpu_ms": spent_s * 1000, "versions": versions}))
