// Copyright: Contributors to the secops.securityhub project
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Unpacks Chromium and the libraries that it needs into TMPDIR.
import chromium, { inflate } from "@sparticuz/chromium";

await inflate("node_modules/@sparticuz/chromium/bin/al2023.tar.br");
await chromium.executablePath();
