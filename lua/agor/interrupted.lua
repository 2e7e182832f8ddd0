-- What was cut off when an earlier Neovim, its backend or the machine went away: one line about it, once.

local state = require('agor.state')

local M = {}

---When the first backend of this Neovim is there. Whatever is asked of it first comes first.
function M.tell()
  if state.said.interrupted then
    return
  end
  state.said.interrupted = true
  vim.schedule(function()
    local cwd = require('agor.project').root()
    require('agor.rpc').notify('interrupted', { cwd = cwd }, function(err, count)
      if not err and type(count) == 'number' and count > 0 then
        local sessions = count == 1 and '1 session was' or ('%d sessions were'):format(count)
        require('agor.message').info(sessions .. ' interrupted here: :Agor resume goes on')
      end
    end)
  end)
end

return M
