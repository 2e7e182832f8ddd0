--- The keys of the picker of earlier sessions, in its line that is typed into.
---
--- Knows what they are called and what they are for; what they do is handed over.

---@class agor.ResumeActions
---@field take fun(how: 'resume'|'seed'|'read'|'delete'): fun()
---@field move fun(by: integer)
---@field scroll fun(keys: string)
---@field all fun()
---@field help fun()
---@field close fun()

---@param does agor.ResumeActions
---@return agor.Key[]
local function keys(does)
  local function key(modes, lhs, name, desc, run)
    return { modes = modes, lhs = lhs, name = 'resume-' .. name, desc = desc, run = run }
  end
  local function by(count)
    return function()
      does.move(count)
    end
  end
  local function scroll(lhs)
    return function()
      does.scroll(lhs)
    end
  end
  return {
    key('ni', '<CR>', 'take', 'take it up', does.take('resume')),
    key('ni', '<C-f>', 'seed', 'a new session that is given its transcript', does.take('seed')),
    key('ni', '<C-o>', 'read', 'only read it', does.take('read')),
    key('ni', '<C-x>', 'delete', 'delete it', does.take('delete')),
    key('ni', '<C-a>', 'all', 'all projects, or this one', does.all),
    key('i', { '<C-n>', '<Down>' }, 'next', 'the next one', by(1)),
    key('n', { 'j', '<C-n>', '<Down>' }, 'next', 'the next one', by(1)),
    key('i', { '<C-p>', '<Up>' }, 'previous', 'the one before', by(-1)),
    key('n', { 'k', '<C-p>', '<Up>' }, 'previous', 'the one before', by(-1)),
    key('ni', '<C-d>', 'down', 'scroll the preview down', scroll('<C-d>')),
    key('ni', '<C-u>', 'up', 'scroll the preview up', scroll('<C-u>')),
    key('n', { 'q', '<Esc>' }, 'close', 'close', does.close),
    { modes = 'n', lhs = 'g?', name = 'help', desc = 'these keys', run = does.help },
  }
end

return keys
