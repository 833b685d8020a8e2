# SPDX-License-Identifier: Apache-2.0
"""What services want of MariaDB and Keystone."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  users:
    description: Users of services.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the user., type: str, required: true}
      password: {description: Password of the user., type: str, required: true}
      roles: {description: Roles in the project., type: list, elements: str, default: []}
      alternate:
        description: The other user of the pair while a password rotates.
        type: dict
        suboptions:
          user: {description: Name of the user., type: str, required: true}
          password: {description: 'Its password, for a user that may log in as well; without one the user goes.', type: str, default: ''}
  endpoints:
    description: Services and their URLs.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the service., type: str, required: true}
      type: {description: 'Type of the service, such as V(image).', type: str, required: true}
      internal_url: {description: URL for other services., type: str, required: true}
      public_url: {description: URL for users., type: str, required: true}
      description: {description: Text for people., type: str, default: ''}
"""

    DATABASES = r"""
options:
  databases:
    description: Databases.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: 'Name of the database, or of what a user with O(databases[].privileges) is for.', type: str, required: true}
      user: {description: User that owns it., type: str, required: true}
      password: {description: Password of the user., type: str, required: true}
      alternate:
        description: The other user of the pair while a password rotates.
        type: dict
        suboptions:
          user: {description: Name of the user., type: str, required: true}
          password: {description: 'Its password, for a user that has access as well; without one the user goes.', type: str, default: ''}
      privileges:
        description:
          - Privileges of the whole server in the place of a database, such as V(PROCESS); V(USAGE) is none.
          - By the names under which C(information_schema.USER_PRIVILEGES) has them, so V(SLAVE MONITOR), not C(REPLICA MONITOR).
        type: list
        elements: str
        default: []
"""

    AUTH = r"""
options:
  auth:
    description: How to log in at Keystone.
    type: dict
    suboptions:
      auth_url: {description: The API with its version., type: str, required: true}
      username: {description: An administrator., type: str, required: true}
      password: {description: Password of the administrator., type: str, required: true}
      project_name: {description: Project to log in to., type: str, required: true}
      ca_certificates: {description: 'CA certificates to trust instead of the system''s, as PEM text.', type: str, default: ''}
"""

    DATABASE_SERVER = r"""
options:
  database_server:
    description: MariaDB server outside of the cloud that has the databases. Without it they are in a container.
    type: dict
    suboptions:
      host: {description: Name or address., type: str, required: true}
      port: {description: TCP port., type: int, required: true}
      user: {description: An administrator., type: str, required: true}
      password: {description: Password of the administrator., type: str, required: true}
      image: {description: 'Image with the driver, the one of the clients.', type: str, required: true}
      ca_certificates: {description: 'CA certificates that verify the server; without them TLS is not used.', type: str, default: ''}
"""
