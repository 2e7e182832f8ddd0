-- Files of a session's directory for what was typed after an `@`. The backend lists and ranks them; nothing here waits,
-- and an answer that comes too late is dropped.

local M = {}

-- More open files than that say nothing about what is meant.
local most_recent = 30

---Files that are open, the one last used first, as the agent would name them.
---@param cwd string
---@return string[]
local function recent(cwd)
  local infos = vim.fn.getbufinfo({ buflisted = 1 })
  table.sort(infos, function(a, b)
    return a.lastused > b.lastused
  end)
  local out = {}
  for _, info in ipairs(infos) do
    if vim.bo[info.bufnr].buftype == '' and info.name:sub(1, 1) == '/' then
      local path = require('agor.context').relative(info.name, cwd)
      -- What lies elsewhere, and what cannot stand in a line, is not offered.
      if path:sub(1, 1) ~= '/' and not path:find('%c') and vim.uv.fs_stat(info.name) then
        table.insert(out, path)
        if #out == most_recent then
          break
        end
      end
    end
  end
  return out
end

---How a path is written in a prompt: agents read `@path`, and `@"a path"` where there are spaces in it.
---@param path string
---@return agor.CompletionChoice
function M.choice(path)
  local open = path:sub(-1) == '/'
  local word = '@' .. path
  if path:find('%s') then
    word = ('@"%s%s'):format(path, open and '' or '"')
  end
  return { word = word, abbr = path, open = open }
end

local asked = 0

---Whoever asked before gets no answer any more.
function M.forget()
  asked = asked + 1
end

---@param row agor.Row
---@param lead string with its `@`
---@param again boolean the directory may have changed
---@param done fun(choices: agor.CompletionChoice[], more: boolean): boolean|nil false: no more is wanted
function M.find(row, lead, again, done)
  M.forget()
  local mine, word = asked, lead:gsub('^@"?', '')
  local open = recent(row.cwd)
  local function ask()
    local params = { directory = row.cwd, word = word, recent = open, again = again or nil }
    again = false
    local sent = require('agor.rpc').notify('find_files', params, function(err, found)
      if mine ~= asked or err then
        if err and mine == asked then
          require('agor.message').warn(err)
        end
        -- Whoever asked waits for an answer, be it none.
        done({}, false)
        return
      end
      local choices = vim.tbl_map(M.choice, found.paths)
      if done(choices, found.more) ~= false and found.more and mine == asked then
        ask()
      end
    end)
    -- Without a backend there is nobody to find any: the prompt itself will say so.
    if not sent then
      done({}, false)
    end
  end
  ask()
end

return M
