-- Completion plugins, and Neovim's own 'autocomplete', that open menus in a prompt: they are given what there is to choose
-- from, and ours stays closed. Knows their public ways in; a plugin that has none of them is as good as not there.

local M = {}

local api = vim.api

---What a plugin's function answers in a buffer; nil if it throws.
---@param buf integer
---@param fn function
---@return any
local function answer(buf, fn)
  local result
  api.nvim_buf_call(buf, function()
    local ok, value = pcall(fn)
    if ok then
      result = value
    end
  end)
  return result
end

-- ------------------------------------------------------------------ blink.cmp

---@type table|nil the module that was told of us
local blink_fed

---@param buf integer
---@return boolean
local function blink(buf)
  local module = package.loaded['blink.cmp']
  if type(module) ~= 'table' or vim.b[buf].completion == false then
    return false
  end
  local add, add_for = module.add_source_provider, module.add_filetype_source
  if not vim.is_callable(add) or not vim.is_callable(add_for) then
    return false
  end
  local config = package.loaded['blink.cmp.config']
  if type(config) == 'table' and vim.is_callable(config.enabled) then
    if answer(buf, config.enabled) == false then
      return false
    end
  end
  if blink_fed ~= module then
    blink_fed = module
    -- It throws if the user's configuration has a provider of that name already, which is as well.
    -- After a sign of ours nobody means a word of some buffer.
    pcall(add, 'agor', { name = 'agor', module = 'agor.completion.blink', score_offset = 100 })
    pcall(add_for, 'agor-prompt', 'agor')
  end
  return true
end

-- ------------------------------------------------------------------ nvim-cmp

---@type table|nil
local cmp_fed

---@param buf integer
---@return boolean
local function cmp(buf)
  local module = package.loaded['cmp']
  if type(module) ~= 'table' or not vim.is_callable(module.register_source) then
    return false
  end
  local config = answer(buf, module.get_config)
  if type(config) ~= 'table' then
    return false
  end
  local enabled = config.enabled
  if vim.is_callable(enabled) then
    enabled = answer(buf, enabled)
  end
  if enabled == false then
    return false
  end
  if cmp_fed ~= module then
    cmp_fed = module
    module.register_source('agor', require('agor.completion.cmp'))
  end
  local sources = vim.list_slice(config.sources or {})
  for _, source in ipairs(sources) do
    if source.name == 'agor' then
      return true
    end
  end
  table.insert(sources, 1, { name = 'agor' })
  answer(buf, function()
    module.setup.buffer({ sources = sources })
  end)
  return true
end

-- ------------------------------------------------------------------ 'autocomplete'

---@param buf integer
---@return boolean
local function own(buf)
  -- The value in force: the buffer's own may be none. Before 0.12 the option's name is an error.
  local on = answer(buf, function()
    return api.nvim_get_option_value('autocomplete', {})
  end)
  if not on then
    return false
  end
  local sources = vim.split(vim.bo[buf].complete, ',', { plain = true, trimempty = true })
  if sources[1] ~= 'o' then
    -- Of 'omnifunc', which is ours, before words of other buffers.
    sources = vim.tbl_filter(function(source)
      return source ~= 'o'
    end, sources)
    table.insert(sources, 1, 'o')
    vim.bo[buf].complete = table.concat(sources, ',')
  end
  return true
end

---Whether somebody else opens menus in a prompt; whoever does is given our choices.
---@param buf integer
---@return boolean
function M.active(buf)
  -- Each has to hear of us, whoever comes first.
  local others = { blink(buf), cmp(buf), own(buf) }
  return vim.list_contains(others, true)
end

-- ------------------------------------------------------------------ what they are given

---@class agor.CompletionFound
---@field items table[] as LSP's CompletionItem, columns in bytes
---@field incomplete boolean another letter may bring others

---The choices at the cursor in the shape that they share.
---@param buf integer
---@param done fun(found: agor.CompletionFound) once
function M.items(buf, done)
  local cursor = api.nvim_win_get_cursor(0)
  local line, row = api.nvim_get_current_line(), cursor[1]
  local first = require('agor.ui.prompt').first_row(buf)
  local completion = require('agor.completion')
  local trigger = row >= first and completion.trigger(buf, line, cursor[2], row == first) or nil
  if not trigger or trigger.kind == 'shell' then
    return done({ items = {}, incomplete = false })
  end
  local range = {
    start = { line = row - 1, character = trigger.col },
    ['end'] = { line = row - 1, character = cursor[2] },
  }
  local kinds = vim.lsp.protocol.CompletionItemKind
  local told = false
  completion.choices(buf, trigger, line:sub(1, cursor[2]), function(choices, more)
    if told or (#choices == 0 and more) then
      return not told
    end
    told = true
    local late = completion.is_late(trigger)
    local items = {}
    for i, choice in ipairs(choices) do
      local text = choice.word
      if not choice.open and (late or trigger.kind == 'context') then
        text = text .. ' '
      end
      items[i] = {
        label = choice.abbr or choice.word,
        filterText = choice.word,
        sortText = ('%04d'):format(i),
        kind = choice.open and kinds.Folder or late and kinds.File or kinds.Keyword,
        detail = choice.about,
        textEdit = { newText = text, range = vim.deepcopy(range) },
        insertTextFormat = vim.lsp.protocol.InsertTextFormat.PlainText,
      }
    end
    done({ items = items, incomplete = late })
    return false
  end)
end

-- What begins a word of ours, and what begins a part of it.
M.signs = { '@', '#', '/' }

return M
