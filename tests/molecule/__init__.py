# SPDX-License-Identifier: Apache-2.0
"""Molecule's scenarios, each as one test; what looks at their hosts is beside them, in ``molecule/<scenario>/tests``."""
