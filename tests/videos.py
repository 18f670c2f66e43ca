"""Small videos made on the spot, whose every picture says which one it is."""

from pathlib import Path

import av
import numpy as np

from edge_agent.core.records import Image

BLOCK_PX = 16


def numbered_picture(number: int, width: int, height: int) -> Image:
    """Draw the number as eight black or white blocks along the top, on grey: survives compression."""
    image = np.full((height, width, 3), 128, np.uint8)
    for bit in range(8):
        block = image[:BLOCK_PX, bit * BLOCK_PX : (bit + 1) * BLOCK_PX]
        block[:] = 255 if number >> bit & 1 else 0
    return image


def number_of(image: Image) -> int:
    """Read the number back from an unscaled picture."""
    centres = image[BLOCK_PX // 2, BLOCK_PX // 2 : 8 * BLOCK_PX : BLOCK_PX, 0]
    return sum(int(level > 128) << bit for bit, level in enumerate(centres))


def write_numbered(
    path: Path, frames: int, size: tuple[int, int] = (320, 240), rate_hz: int = 30, reordered: int = 0
) -> Path:
    """Write an H.264 video of numbered pictures; the container follows from the file's suffix.

    reordered: so many pictures between two others are told by both (B-frames).
    """
    options = {"preset": "ultrafast", "g": "10", "bf": str(reordered)}
    with av.open(str(path), mode="w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate_hz, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(numbered_picture(number, *size), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path
