# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of every module: check mode, diff mode and module_defaults. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes block."""

    # A module that changes AWS.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or would change in C(check_mode)), when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row with the same arguments, the second run indicates no change.
    support: full
  action_group:
    description:
      - Use C(group/secops.securityhub.aws) in C(module_defaults) to set defaults for this module.
      - The group holds the modules of C(amazon.aws) too.
    support: full
    membership:
      - secops.securityhub.aws
"""

    # A module that only reads.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - This module only reads.
  diff_mode:
    description: Will return details on what has changed (or would change in C(check_mode)), when in diff mode.
    support: N/A
    details:
      - This module only reads.
  idempotent:
    description: When run twice in a row with the same arguments, the second run indicates no change.
    support: full
    details:
      - This module only reads.
  action_group:
    description:
      - Use C(group/secops.securityhub.aws) in C(module_defaults) to set defaults for this module.
      - The group holds the modules of C(amazon.aws) too.
    support: full
    membership:
      - secops.securityhub.aws
"""

    # A module that runs once for all hosts of the play.
    BATCH = r"""
options: {}
attributes:
  bypass_host_loop:
    description: Runs once for all hosts of the play.
    support: full
requirements:
  - python >= 3.10
  - boto3 >= 1.44 on the controller
"""
