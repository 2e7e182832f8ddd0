--- :Agor grants: what the user has allowed for longer than once, to look at and to take back. What holds, the backend knows;
--- what it looks like, lua/agor/ui/grants.lua.

local message = require('agor.message')
local tell = require('agor.tell')

local M = {}

---@class agor.GrantRow
---@field id string
---@field scope 'turn'|'session'|'project'
---@field words string
---@field at integer Unix milliseconds
---@field session_id string|nil
---@field project string

---@param cwd string
function M.show(cwd)
  local view = require('agor.ui.grants')
  tell('grants', { cwd = cwd }, function(rows)
    if type(rows) ~= 'table' or #rows == 0 then
      view.close()
      return message.info('nothing is allowed for longer than once here')
    end
    view.open(rows, function(row)
      tell('revoke', { id = row.id, session_id = row.session_id, cwd = cwd }, function()
        message.info(('taken back: %s'):format(row.words))
        if view.is_open() then
          M.show(cwd)
        end
      end)
    end)
  end)
end

function M.grants()
  local row = require('agor.mirror').current()
  local channel, failed = require('agor.backend').ensure()
  if not channel then
    return message.error(failed or 'the backend is not running')
  end
  M.show(row and row.cwd or require('agor.project').root())
end

return M
