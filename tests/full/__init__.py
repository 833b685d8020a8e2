# SPDX-License-Identifier: Apache-2.0
"""What takes too long for each change; ``make test-full`` runs it."""
