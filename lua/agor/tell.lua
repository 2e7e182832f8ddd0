-- What a user wants of the backend that runs: whatever goes wrong is said, at once or when the answer has come.

local message = require('agor.message')
local rpc = require('agor.rpc')

---@param method string a request of doc/wire.md
---@param params table
---@param done? fun(result: any) it was done
---@param refused? fun() it was not, and the user knows why
return function(method, params, done, refused)
  local function fail(why)
    message.error(why)
    if refused then
      refused()
    end
  end
  local ok, failed = rpc.notify(method, params, function(err, result)
    if err then
      fail(err)
    elseif done then
      done(result)
    end
  end)
  if not ok then
    fail(failed)
  end
end
