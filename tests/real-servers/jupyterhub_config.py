# A hub on loopback: a user for every case, whom a service creates and manages.
import os

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['PROXY_PORT']}"
# In memory. JupyterHub's default is the same database in a file.
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [{"name": "fleet", "api_token": os.environ["ADMIN_TOKEN"]}]
c.JupyterHub.load_roles = [
    {
        "name": "fleet",
        # A service can only give a token scopes of its user, which it must see to do so.
        "scopes": ["admin:users", "tokens"],
        "services": ["fleet"],
    }
]
