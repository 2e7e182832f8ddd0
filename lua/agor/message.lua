-- The one way by which a sentence reaches the user. Knows levels and repetition, nothing else of the plugin.

local cells = require('agor.ui.cells')
local state = require('agor.state')

local M = {}

-- An agent's error may be megabytes, and wrapping it costs more than its length.
local most = 2000

local rank = { debug = 1, info = 2, warn = 3, error = 4, off = 5 }

---Is it Neovim's own, which writes to the command line?
---@return boolean
local function is_plain_notify()
  -- Built in: 0.11 says vim/_editor.lua, 0.12 says nothing; a plugin's has a path.
  local source = debug.getinfo(vim.notify, 'S').source
  return source == '?' or source == '=?' or vim.startswith(source, '@vim/_')
end

---@param text string
---@param width integer cells
---@return string[]
local function wrap(text, width)
  local lines, line = {}, ''
  for word in text:gmatch('%S+') do
    local longer = line == '' and word or line .. ' ' .. word
    local too_long = vim.fn.strdisplaywidth(word) > width
    -- What is cut anyway begins where the words before it end.
    if line ~= '' and vim.fn.strdisplaywidth(longer) > width and not too_long then
      table.insert(lines, line)
      longer = word
    end
    while vim.fn.strdisplaywidth(longer) > width do
      local part = vim.fn.strcharpart(longer, 0, width)
      if vim.fn.strdisplaywidth(part) > width then
        part = vim.fn.strcharpart(longer, 0, math.floor(width / 2))
      end
      table.insert(lines, part)
      longer = longer:sub(#part + 1)
    end
    line = longer
  end
  table.insert(lines, line)
  return lines
end

---Cells of the last line that a message may take. The ruler of a float stands there too, of which 'echospace' knows nothing.
---@return integer
local function room()
  local there = vim.v.echospace
  local floats = vim.api.nvim_win_get_config(0).relative ~= ''
  if floats and vim.o.ruler and vim.o.laststatus ~= 3 then
    local ruler = math.floor(tonumber(vim.o.rulerformat:match('^%%(%d+)%(')) or 18)
    there = math.min(there, vim.o.columns - ruler - 1)
  end
  return math.max(there - 1, 20)
end

---Insert, replace, visual or select mode: those that 'showmode' names on the line of the messages.
---@return boolean
local function mode_is_named()
  return vim.api.nvim_get_mode().mode:match('^[iRvVsS\19\22]') ~= nil
end

---A message that comes from a callback is painted over by the next "-- INSERT --": it gives way until the mode ends.
local function keep_line()
  if not vim.o.showmode or not mode_is_named() then
    return
  end
  vim.o.showmode = false
  vim.api.nvim_create_autocmd('ModeChanged', {
    group = vim.api.nvim_create_augroup('agor.message', {}),
    callback = function()
      if not mode_is_named() then
        vim.o.showmode = true
        return true
      end
    end,
  })
end

local groups = { [vim.log.levels.ERROR] = 'ErrorMsg', [vim.log.levels.WARN] = 'WarningMsg' }

---As vim.notify does it, but never as an error of Vim's: after such a one that no command follows, a Neovim whose terminal
---is closed waits for <Enter> from nobody (0.11.4).
---@param text string
---@param level integer
local function say(text, level)
  vim.api.nvim_echo({ { text, groups[level] } }, true, {})
end

---The sign that there is more. Before there is a configuration it is the usual one.
---@return string
local function more()
  return package.loaded['agor.config'] and require('agor.ui.icons').get().more or '…'
end

---A message that comes by itself must not stop the user with "Press ENTER": a second one takes the place of the first, and
---what is too long for the line is cut there. All is whole in :messages.
---@param text string
---@param level integer
local function echo(text, level)
  local space = room()
  local fits = not text:find('\n') and vim.fn.strdisplaywidth(text) <= space
  if #vim.api.nvim_list_uis() == 0 then
    return vim.notify(text, level)
  end
  keep_line()
  -- Two in one tick would be two lines; after an intended redraw nobody waits for a key.
  vim.cmd('redraw')
  if fits then
    return say(text, level)
  end
  local lines = wrap(text, space)
  for _, line in ipairs(lines) do
    say(line, level)
    vim.cmd('redraw')
  end
  local hint = more() .. ' (:messages)'
  local first = wrap(lines[1], space - vim.fn.strdisplaywidth(hint) - 1)[1]
  vim.api.nvim_echo({ { first .. ' ' .. hint, groups[level] or 'Normal' } }, false, {})
end

-- What the user's own vim.notify gave back for a message that may change: some take it to put the next in its place.
---@type table<string, any>
local shown_as = {}

---One that takes the place of the last one of the same key, in each of the ways that notification plugins know: `id`
---(snacks), `key` (fidget) and `replace` (nvim-notify).
---@param text string
---@param level integer
---@param key string|nil
local function notify(text, level, key)
  if not key then
    return vim.notify(text, level, { title = 'agor' })
  end
  local opts = { title = 'agor', id = key, key = key, replace = shown_as[key] }
  local ok, record = pcall(vim.notify, text, level, opts)
  if ok then
    shown_as[key] = record
    return
  end
  -- What was to be replaced may be gone.
  opts.replace = nil
  local again = vim.notify(text, level, opts) ---@type any
  shown_as[key] = again
end

---@param text string
---@param level 'info'|'warn'|'error'
---@param key? string
local function tell(text, level, key)
  if state.leaving then
    return
  end
  -- A line's end begins a line; any other control character would move the cursor over what stands there.
  text = table.concat(vim.tbl_map(cells.clean, vim.split(text, '\n', { plain = true })), '\n')
  local function show()
    local config = package.loaded['agor.config']
    local wanted = config and config.get().notify.level or 'info'
    if rank[level] >= (rank[wanted] or rank.info) then
      if #text > most then
        local kept = vim.fn.strcharpart(text:sub(1, 4 * most), 0, most)
        text = kept .. more() .. ' (whole in the transcript)'
      end
      local number = vim.log.levels[level:upper()] --[[@as integer]]
      if is_plain_notify() then
        echo('agor: ' .. text, number)
      else
        notify('agor: ' .. text, number, key)
      end
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

---What is so now: takes the place of what was said by the same key, where messages have a place of their own.
---@param key string
---@param text string
function M.status(key, text)
  tell(text, 'info', key)
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
