"""Edit a photo through a running studio, as any program in any language could.

mien studio --no-browser --json          prints {"url": ..., "pid": ...}
python examples/studio_client.py URL photo.jpg out.jpg
"""

import http.client
import json
import sys
from pathlib import Path

url, photo, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
host, token = url.removeprefix("http://").split("/?token=")
OWN = {"Origin": f"http://{host}", "Cookie": f"mien_{host.split(':')[1]}={token}"}


def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """One call; an error is told as the command line tells it."""
    line = http.client.HTTPConnection(host)
    line.request(method, path, body, OWN | headers)
    answer = line.getresponse()
    told = answer.read()
    if answer.status >= 400:
        sys.exit(json.loads(told)["error"])
    return told


medium = json.loads(ask("POST", "/api/media", photo.read_bytes(), **{"X-File-Name": photo.name}))
asked = json.dumps({"request": {"smile": 0.8, "light": 0.3}}).encode()
result = json.loads(ask("POST", f"/api/media/{medium['id']}/render", asked))
out.write_bytes(ask("GET", f"/api/media/{result['id']}?original=1"))
print(f"{len(medium['faces'])} face(s), wrote {out}")
