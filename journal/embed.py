#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py IN OUT HEADER NAME: writes the ASCII file IN as the C arrays that HEADER declares."""
import sys

source, target, header, name = sys.argv[1:]
with open(source, 'rb') as file:
    data = file.read()
if not data.isascii() or b'\0' in data:
    sys.exit('%s: not plain ASCII' % source)
rows = [','.join(map(str, data[at:at + 24])) for at in range(0, len(data), 24)]
with open(target, 'w', encoding='ascii') as file:
    file.write('#include "%s"\nconst char %s[] = {\n%s,0\n};\nconst size_t %s_len = sizeof(%s) - 1;\n'
               % (header, name, ',\n'.join(rows), name, name))
