DROP TABLE inventory.enrollment_token, inventory.api_key, inventory.tenant;
