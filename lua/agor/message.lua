-- The one way by which a sentence reaches the user. Knows levels and repetition, nothing else of the plugin.

local state = require('agor.state')

local M = {}

local rank = { debug = 1, info = 2, warn = 3, error = 4, off = 5 }

---@param text string
---@param level 'info'|'warn'|'error'
local function tell(text, level)
  if state.leaving then
    return
  end
  local function show()
    local config = package.loaded['agor.config']
    local wanted = config and config.get().notify.level or 'info'
    if rank[level] >= (rank[wanted] or rank.info) then
      vim.notify('agor: ' .. text, vim.log.levels[level:upper()], { title = 'agor' })
    end
  end
  if vim.in_fast_event() then
    vim.schedule(show)
  else
    show()
  end
end

---@param text string
function M.info(text)
  tell(text, 'info')
end

---@param text string
function M.warn(text)
  tell(text, 'warn')
end

---@param text string
function M.error(text)
  tell(text, 'error')
end

---The same trouble is said once per Neovim, however often it happens.
---@param key string
---@param text string
---@param level? 'info'|'warn'|'error'
function M.once(key, text, level)
  if not state.said[key] then
    state.said[key] = true
    tell(text, level or 'error')
  end
end

---An error of Lua as one line, without the trace.
---@param err any
---@return string
function M.line(err)
  local text = tostring(err):gsub('\n.*', '')
  return (text:gsub('^%s+', ''))
end

return M
