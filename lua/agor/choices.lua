-- What can be chosen of a running agent: model, mode, effort and its own options. What it offers is in its capabilities;
-- nobody asks which agent it is. Knows those, the backend's methods for them and vim.ui.select.

local cells = require('agor.ui.cells')
local message = require('agor.message')
local mirror = require('agor.mirror')
local near = require('agor.near')
local tell = require('agor.tell')

local M = {}

---@class agor.ChoiceRow one thing to choose, as in Choice of src/domain/capabilities.rs
---@field id string
---@field name string
---@field description string
---@field asks_nothing boolean|nil

---Has the agent said yet what it can do? Some take seconds to start, and tell first by which logins.
---@param capabilities table
---@return boolean
function M.known(capabilities)
  for name, value in pairs(capabilities) do
    if value == true or name ~= 'logins' and type(value) == 'table' and next(value) ~= nil then
      return true
    end
  end
  return false
end

---The one that a word means: by id, else by id or name in any case.
---@param offered agor.ChoiceRow[]
---@param word string
---@return string|nil id
function M.find(offered, word)
  for _, choice in ipairs(offered) do
    if choice.id == word then
      return choice.id
    end
  end
  local lower, found = word:lower(), nil
  for _, choice in ipairs(offered) do
    if choice.id:lower() == lower or (choice.name or ''):lower() == lower then
      if found then
        return nil
      end
      found = choice.id
    end
  end
  return found
end

---@param choice { id: string, name: string|nil }
---@return string
local function name_of(choice)
  return (choice.name or '') ~= '' and choice.name or choice.id
end

---One line of a menu, whatever the agent has put into its names: some menus take no line ends.
---@param row { id: string, name: string|nil, description: string|nil }
---@param notes? string what stands between the two
---@return string
function M.label(row, notes)
  local name = cells.clean(name_of(row))
  local description = cells.clean(row.description or ''):gsub('%s+', ' ')
  local text = name .. (notes or '')
  return description ~= '' and ('%s: %s'):format(text, description) or text
end

---What its row calls it.
---@param offered agor.ChoiceRow[]
---@param id string
---@return string
local function name_in(offered, id)
  for _, choice in ipairs(offered) do
    if choice.id == id then
      return name_of(choice)
    end
  end
  return id
end

---@param choice agor.ChoiceRow
---@param now string the present choice's id
---@return string
local function line(choice, now)
  local notes = choice.id == now and ' (now)' or ''
  return M.label(choice, choice.asks_nothing and notes .. ' (asks nothing)' or notes)
end

---@param what string
---@param offered agor.ChoiceRow[]
---@param now string
---@param set fun(id: string)
local function pick(what, offered, now, set)
  require('agor.pick').one(offered, {
    prompt = cells.clean(what),
    kind = 'agor_choice',
    format_item = function(choice)
      return line(choice, now)
    end,
  }, function(choice)
    if choice then
      set(choice.id)
    end
  end)
end

---@param offered agor.ChoiceRow[]
---@return string[]
local function ids(offered)
  return vim.tbl_map(function(choice)
    return choice.id
  end, offered)
end

---@param row agor.Row
---@param kind 'model'|'mode'|'effort'
---@return string
local function cannot(row, kind)
  if row.provisional or not M.known(row.capabilities) then
    return ('%s has not said yet what it offers: try again when it has started'):format(
      row.provider
    )
  elseif kind == 'effort' and row.capabilities.set_model then
    return ('%s offers no effort to choose with its present model'):format(row.provider)
  end
  return ('%s does not let the %s be changed in a running session%s'):format(
    row.provider,
    kind,
    kind ~= 'mode' and ('; :AgorStart %s=... starts with one'):format(kind) or ''
  )
end

---@param kind 'model'|'mode'|'effort'
---@param row agor.Row|nil
---@param word string empty: a picker
local function choose(kind, row, word)
  if not row then
    return
  end
  local offered = row.capabilities[kind .. 's'] or {}
  local function set(id)
    tell('set_' .. kind, { session_id = row.session_id, value = id })
  end
  if word ~= '' and not M.known(row.capabilities) then
    -- It has not started, or is over until the next prompt: the backend keeps what is chosen, and knows what to say.
    return set(word)
  elseif not row.capabilities['set_' .. kind] then
    return message.error(cannot(row, kind))
  end
  if word ~= '' then
    local id = M.find(offered, word)
    if not id and #offered > 0 then
      local text = '%s offers no %s "%s"%s; there are %s'
      local known = ids(offered)
      local hint = near.hint(word, known)
      return message.error(text:format(row.provider, kind, word, hint, table.concat(known, ', ')))
    end
    return set(id or word)
  end
  if #offered == 0 then
    local text = '%s does not say which %ss there are: :Agor %s NAME sets one'
    return message.error(text:format(row.provider, kind, kind))
  end
  local now = row[kind] or ''
  pick(
    ('%s of %s (now %s):'):format(
      kind:gsub('^%l', string.upper),
      row.provider,
      now ~= '' and name_in(offered, now) or 'its default'
    ),
    offered,
    now,
    set
  )
end

---@param call agor.Call
function M.model(call)
  choose('model', mirror.need(), call.args)
end

---@param call agor.Call
function M.mode(call)
  choose('mode', mirror.need(), call.args)
end

---@param call agor.Call
function M.effort(call)
  choose('effort', mirror.need(), call.args)
end

---@param row agor.Row
---@param option table an AgentOption of src/domain/capabilities.rs
---@param word string
local function set_option(row, option, word)
  local function set(value)
    tell('set_option', { session_id = row.session_id, option = option.id, value = value })
  end
  if word == '' then
    local name = option.name ~= '' and option.name or option.id
    return pick(('%s of %s:'):format(name, row.provider), option.choices, option.value, set)
  end
  local id = M.find(option.choices, word)
  if not id then
    local known = ids(option.choices)
    return message.error(
      ('%s cannot be "%s"%s; there are %s'):format(
        option.id,
        word,
        near.hint(word, known),
        table.concat(known, ', ')
      )
    )
  end
  set(id)
end

---`:Agor option [name [value]]`: what an agent lets be set that is neither model, mode nor effort.
---@param call agor.Call
function M.option(call)
  local row = mirror.need()
  if not row then
    return
  end
  local options = row.capabilities.options or {}
  if #options == 0 then
    local early = row.provisional or not M.known(row.capabilities)
    return message.error(
      early and cannot(row, 'mode') or ('%s has no options to set'):format(row.provider)
    )
  end
  local name, word = vim.trim(call.args):match('^(%S*)%s*(.*)$')
  name, word = name or '', word or ''
  if name == '' then
    return require('agor.pick').one(options, {
      prompt = ('Option of %s:'):format(row.provider),
      kind = 'agor_choice',
      format_item = function(option)
        return M.label(
          option,
          (' (now %s)'):format(cells.clean(name_in(option.choices or {}, option.value)))
        )
      end,
    }, function(option)
      if option then
        set_option(row, option, '')
      end
    end)
  end
  local id = M.find(options, name)
  for _, option in ipairs(options) do
    if option.id == id then
      return set_option(row, option, word)
    end
  end
  local known = ids(options)
  message.error(
    ('%s has no option "%s"%s; there are %s'):format(
      row.provider,
      name,
      near.hint(name, known),
      table.concat(known, ', ')
    )
  )
end

---The agent's next mode, after the present one.
---@param row agor.Row|nil
function M.cycle_mode(row)
  local modes = row and row.capabilities.modes or {}
  if not row or #modes == 0 or not row.capabilities.set_mode then
    local text = row and M.known(row.capabilities) and '%s offers no modes to choose from'
      or '%s has not said yet which modes it offers'
    return message.info(text:format(row and row.provider or 'This session'))
  end
  local at = 0
  for i, mode in ipairs(modes) do
    if mode.id == row.mode then
      at = i
    end
  end
  tell('set_mode', { session_id = row.session_id, value = modes[at % #modes + 1].id })
end

---What a completion of `:Agor model` and its like offers.
---@param kind 'models'|'modes'|'efforts'
---@return fun(words: string[]): string[]
function M.complete(kind)
  return function(words)
    local row = #words == 0 and mirror.current() or nil
    return ids(row and row.capabilities[kind] or {})
  end
end

---@param words string[]
---@return string[]
function M.complete_option(words)
  local row = mirror.current()
  local options = row and row.capabilities.options or {}
  if #words == 0 then
    return ids(options)
  end
  for _, option in ipairs(#words == 1 and options or {}) do
    if option.id == words[1] then
      return ids(option.choices)
    end
  end
  return {}
end

return M
