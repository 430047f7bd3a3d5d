"""Makes the vector files that are missing. It never writes over one: a committed vector stays as it is."""

import json

from cases_agent import FILES as AGENT
from cases_archive import FILES as ARCHIVES
from cases_blob import FILES as BLOBS
from cases_owner import FILES as OWNER
from cases_questions import FILES as QUESTIONS
from cases_values import FILES as VALUES
from verify import VECTORS, check_file

FILES = {**VALUES, **OWNER, **AGENT, **BLOBS, **ARCHIVES, **QUESTIONS}

if __name__ == "__main__":
    for name, make in FILES.items():
        path = VECTORS / f"{name}.json"
        if path.exists():
            print(f"{path.name} exists and is left as it is")
            continue
        path.write_text(json.dumps(make().as_json(), indent=1) + "\n")
        print(f"{path.name} made, {path.stat().st_size:,} bytes")
        check_file(path)
