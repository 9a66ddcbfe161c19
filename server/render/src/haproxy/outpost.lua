-- Headers that belong to one connection, or to a body: the check has neither of the client's.
local not_asked = {
    ["connection"] = true,
    ["content-length"] = true,
    ["content-type"] = true,
    ["expect"] = true,
    ["host"] = true,
    ["http2-settings"] = true,
    ["keep-alive"] = true,
    ["proxy-connection"] = true,
    ["te"] = true,
    ["trailer"] = true,
    ["transfer-encoding"] = true,
}

-- The values of a header as a list that begins at 1. HAProxy's own lists begin at 0.
local function values(headers, name)
    local found = {}
    local listed = headers[string.lower(name)]
    if listed == nil then
        return found
    end
    local index = 0
    while listed[index] ~= nil do
        found[#found + 1] = listed[index]
        index = index + 1
    end
    return found
end

-- What the outpost says in the place of the application.
local function answer(txn, response)
    local reply = txn:reply()
    reply:set_status(response.status, response.reason)
    for name, _ in pairs(response.headers or {}) do
        if name ~= "connection" and name ~= "keep-alive" and name ~= "transfer-encoding"
            and name ~= "content-length"
        then
            for _, value in ipairs(values(response.headers, name)) do
                reply:add_header(name, value)
            end
        end
    end
    reply:set_body(response.body or "")
    txn:done(reply)
end

-- Asks the outpost about a request. What it lets through is marked; whatever goes wrong here
-- leaves the request unmarked, and HAProxy denies it.
core.register_action("outpost_check", { "http-req" }, function(txn, application)
    local headers = {}
    local received = txn.http:req_get_headers()
    for name, _ in pairs(received) do
        if not not_asked[name] then
            headers[name] = values(received, name)
        end
    end
    headers["x-forwarded-uri"] = { txn.sf:pathq() }
    headers["x-forwarded-method"] = { txn.sf:method() }
    local response = core.httpclient():get({ url = check, headers = headers, timeout = 30000 })
    local status = response and response.status or 0
    if status >= 300 and status <= 599 then
        answer(txn, response)
        return
    end
    if status ~= 200 then
        return
    end
    for _, name in ipairs(told[application]) do
        txn.http:req_del_header(name)
        for _, value in ipairs(values(response.headers, name)) do
            txn.http:req_add_header(name, value)
        end
    end
    txn:set_priv(values(response.headers, "set-cookie"))
    txn:set_var("txn.outpost_let_through", "yes")
end, 1)

-- Passes cookies on that the outpost set for somebody whom it let through.
core.register_action("outpost_cookies", { "http-res" }, function(txn)
    for _, cookie in ipairs(txn:get_priv() or {}) do
        txn.http:res_add_header("Set-Cookie", cookie)
    end
end)
