SELECT tenant, commit_on FROM tenant ORDER BY tenant
